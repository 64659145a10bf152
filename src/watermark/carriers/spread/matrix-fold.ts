import { DTYPE_BITS } from "../../../formats/tensor-info.ts";
import { isDirect } from "../../../kernels/coins.ts";
import { loadKernels } from "../../../kernels/load-kernels.ts";
import type { RowPiece } from "../../host/stored-rows.ts";
import { type Keystream, keystream } from "../../key/keystream.ts";
import { BlockReader } from "./block-sums.ts";
import { type BlockDraws, blockDraws } from "./chip-map.ts";
import { columnFactors } from "./column-scales.ts";
import { addToBins } from "./fold.ts";
import type { SpreadKeys } from "./spread-keys.ts";
import type { SpreadSums } from "./spread-units.ts";

/** Stored bytes that are read at a time: they fit the L2 cache. */
const PIECE_BYTES = 1 << 20;

export interface FoldedMatrix {
  readonly address: string;
  readonly cols: number;
  readonly scales: Float32Array;
  readonly rowSigns: Int8Array | null;
  readonly colSigns: Int8Array | null;
}

export function pieceRows(rowBytes: number): number {
  return Math.max(1, Math.floor(PIECE_BYTES / rowBytes));
}

/** Adds the rows of one matrix to all chips. Keystreams stay open between pieces that follow one another. */
export class MatrixFold {
  readonly #matrix: FoldedMatrix;
  readonly #factors: Float32Array;
  readonly #coins: Keystream;
  readonly #draws: BlockDraws;
  readonly #to: SpreadSums;
  readonly #marking: boolean;

  /** `marking`: whether to count what can be moved. */
  constructor(matrix: FoldedMatrix, keys: SpreadKeys, to: SpreadSums, marking: boolean) {
    const { address, scales, colSigns } = matrix;
    this.#matrix = matrix;
    this.#marking = marking;
    this.#factors = columnFactors(scales, colSigns);
    this.#coins = keystream(keys.coins, address);
    this.#draws = blockDraws(keys.map, address);
    this.#to = to;
  }

  add({ first, count, dtype, fill }: RowPiece): void {
    const kernels = loadKernels();
    const { arena } = kernels;
    const { cols, rowSigns } = this.#matrix;
    const bytes = (count * cols * DTYPE_BITS[dtype]) / 8;
    arena.scope(() => {
      const pointer = arena.alloc(bytes);
      const options = { cols, factors: this.#factors, coins: this.#coins, maxRows: count };
      const reader = new BlockReader(kernels, options);
      fill(arena.u8(pointer, bytes));
      let movable: Uint32Array | null = null;
      if (this.#marking && isDirect(dtype)) {
        movable = new Uint32Array(count * reader.blocks);
        reader.movable(pointer, count, dtype, movable);
      }
      reader.loadCoins(first, count);
      const sums = reader.read(pointer, first, count, dtype, rowSigns);
      const draws = this.#draws.rows(first, count, reader.blocks);
      addToBins(this.#to.bins, this.#to.signed, sums, draws, cols, movable);
    });
  }
}
