import { DTYPE_BITS } from "../../../formats/tensor-info.ts";
import { coinBytesOf, type DirectDtype, toEvenOdd } from "../../../kernels/coins.ts";
import { spreadRowAt } from "../../../kernels/dither.ts";
import { type Kernels, loadKernels } from "../../../kernels/load-kernels.ts";
import { copyRows, groupRows, storeRows } from "../../host/row-copies.ts";
import type { SpreadEdit, ViewEdit } from "../../host/tensor-edit.ts";
import { ditherSeed } from "../../key/dither-seed.ts";
import { keystream } from "../../key/keystream.ts";
import { BlockReader } from "./block-sums.ts";
import { blockDraws, chipOf } from "./chip-map.ts";
import { type ChipSums, emptyChipSums } from "./chip-sums.ts";
import { columnFactors } from "./column-scales.ts";
import { addToChips } from "./fold.ts";

/** Rows of a view that lie in a tile. */
export interface TileRows {
  /** Number of the first row in its view; the rows follow one another. */
  readonly first: number;
  readonly count: number;
  /** Byte in the tile where row `row` (numbered in the view) begins. */
  readonly offset: (row: number) => number;
}

/**
 * Marks the rows in place, then reads them again as the detector will. Element (row, j) lies `j * view.colStride`
 * elements behind `offset(row)`. `view.spread` must be there; signs have been applied before. Bytes of other elements
 * stay. Does not depend on how a view is cut into tiles, sums apart, which are added in f64: merge them in row order.
 */
export function applySpread(tile: Uint8Array, dtype: DirectDtype, view: ViewEdit, rows: TileRows): ChipSums {
  const edit = view.spread!;
  const { address, cols, colStride } = view;
  const { coinKey, mapKey, columnScales } = edit;
  const total = emptyChipSums(edit.chips);
  const kernels = loadKernels();
  const width = DTYPE_BITS[dtype] / 8;
  const maxRows = Math.min(rows.count, groupRows(cols * width));
  kernels.arena.scope(() => {
    const factors = columnFactors(columnScales, null);
    const coins = keystream(coinKey, address);
    const reader = new BlockReader(kernels, { cols, factors, coins, maxRows });
    const drawn = blockDraws(mapKey, address);
    const marker = new Marker(kernels, reader, edit, dtype, address);
    const pointer = kernels.arena.alloc(maxRows * cols * width);
    const movable = new Uint32Array(maxRows * reader.blocks);
    for (let i = 0; i < rows.count; i += maxRows) {
      const first = rows.first + i;
      const count = Math.min(maxRows, rows.count - i);
      const group = { first, count, cols, colStride, width, offset: rows.offset };
      copyRows(tile, group, kernels.arena.u8(pointer, count * cols * width));
      reader.loadCoins(first, count);
      const draws = drawn.rows(first, count, reader.blocks);
      reader.movable(pointer, count, dtype, movable);
      marker.mark(pointer, first, reader.read(pointer, first, count, dtype, null).rowScales.subarray(0, count), draws);
      addToChips(total, reader.read(pointer, first, count, dtype, null), draws, cols, movable);
      storeRows(kernels.arena.u8(pointer, count * cols * width), group, tile);
    }
  });
  return total;
}

/** Adds the mark to rows in the memory of the kernels. */
class Marker {
  readonly #kernels: Kernels;
  readonly #reader: BlockReader;
  readonly #edit: SpreadEdit;
  readonly #dtype: DirectDtype;
  readonly #seed: Uint32Array;
  readonly #scales: number;
  readonly #amplitudes: number;
  readonly #seedWords: number;
  readonly #row: number;

  constructor(kernels: Kernels, reader: BlockReader, edit: SpreadEdit, dtype: DirectDtype, address: string) {
    const { arena } = kernels;
    this.#kernels = kernels;
    this.#reader = reader;
    this.#edit = edit;
    this.#dtype = dtype;
    const padded = Math.ceil(reader.cols / 8) * 8;
    this.#scales = arena.alloc(padded * 4);
    this.#amplitudes = arena.alloc(reader.blocks * 4);
    this.#seedWords = arena.alloc(12);
    this.#row = arena.alloc(padded * 4);
    toEvenOdd(edit.columnScales, arena.f32(this.#scales, padded));
    this.#seed = ditherSeed(edit.ditherKey, address);
  }

  mark(pointer: number, first: number, rowScales: Float64Array, draws: Uint16Array): void {
    const { cols, blocks } = this.#reader;
    const stride = (cols * DTYPE_BITS[this.#dtype]) / 8;
    const amplitudes = new Float32Array(blocks);
    for (const [i, rowScale] of rowScales.entries()) {
      if (rowScale === 0) continue;
      for (let b = 0; b < blocks; b++)
        amplitudes[b] = this.#edit.amplitudes[chipOf(draws[i * blocks + b]!, this.#edit.chips)]! * rowScale;
      this.#markRow(pointer + i * stride, first + i, amplitudes, this.#reader.coins + i * coinBytesOf(cols));
    }
  }

  #markRow(pointer: number, row: number, amplitudes: Float32Array, coins: number): void {
    const { arena } = this.#kernels;
    const { cols } = this.#reader;
    const padded = Math.ceil(cols / 8) * 8;
    const width = DTYPE_BITS[this.#dtype] / 8;
    arena.f32(this.#amplitudes, amplitudes.length).set(amplitudes);
    if (padded > cols)
      arena
        .u8(this.#row, padded * width)
        .fill(0)
        .set(arena.u8(pointer, cols * width));
    const at = {
      // Zeros stand behind a row that does not end with a group of eight; they cannot move.
      pointer: padded > cols ? this.#row : pointer,
      cols: padded,
      scales: this.#scales,
      coins,
      amplitudes: this.#amplitudes,
      seedWords: this.#seedWords,
    };
    spreadRowAt(this.#kernels, at, this.#dtype, this.#seed, row * padded);
    if (padded > cols) arena.u8(pointer, cols * width).set(arena.u8(this.#row, cols * width));
  }
}
