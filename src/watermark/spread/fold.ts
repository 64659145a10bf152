import { BLOCK_COLUMNS } from "../../kernels/coins.ts";
import { type BlockSums, blockWidth } from "./block-sums.ts";
import { type ChipMap, chipMap } from "./chip-map.ts";
import type { ChipSums } from "./chip-sums.ts";

/** Adds the blocks of one matrix to the chips that a keyed map gives them. */
export class ChipFold {
  readonly #map: ChipMap;
  readonly #to: ChipSums;
  readonly #cols: number;
  #chips = new Uint16Array(0);

  constructor(mapKey: Uint8Array, address: string, cols: number, to: ChipSums) {
    this.#map = chipMap(mapKey, address, to.sums.length);
    this.#to = to;
    this.#cols = cols;
  }

  /** Chips of all blocks of rows [first, first + count), row by row; valid until the next call. */
  chips(first: number, count: number, blocks: number): Uint16Array {
    if (this.#chips.length < count * blocks) this.#chips = new Uint16Array(count * blocks);
    const chips = this.#chips.subarray(0, count * blocks);
    this.#map.fill(chips, first * blocks);
    return chips;
  }

  /** Adds rows to which `chips` belongs; `movable` per block, or null where nothing is to be marked. */
  add({ sums, squares, blocks }: BlockSums, chips: Uint16Array, movable: Uint32Array | null): void {
    const to = this.#to;
    const last = blockWidth(this.#cols, blocks - 1);
    for (let b = 0, inRow = 1; b < chips.length; b++, inRow++) {
      const chip = chips[b]!;
      to.sums[chip]! += sums[b]!;
      to.squares[chip]! += squares[b]!;
      to.counts[chip]! += inRow < blocks ? BLOCK_COLUMNS : last;
      if (inRow === blocks) inRow = 0;
    }
    if (movable !== null) for (let b = 0; b < chips.length; b++) to.movable[chips[b]!]! += movable[b]!;
  }
}
