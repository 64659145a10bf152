import { DTYPE_BITS } from "../../formats/tensor-info.ts";
import type { DirectDtype } from "../../kernels/coins.ts";
import { applySpread } from "../carriers/spread/apply.ts";
import { addChipSums, type ChipSums, emptyChipSums } from "../carriers/spread/chip-sums.ts";
import type { TileEdit, TileRun } from "./edit-task.ts";
import { addDifference, addLowRank } from "./row-additions.ts";
import { flipSigns, flipVector } from "./sign-flips.ts";

/**
 * Edits a tile in place: signs, then what is added. Bytes outside of all rows stay.
 *
 * @param bytes the tile, aligned to its elements
 * @returns what the chips of the spread mark add up to in the tile afterwards, or null without one
 */
export function editTile(bytes: Uint8Array, edit: TileEdit): ChipSums | null {
  if (edit.vectorSigns !== null) flipVector(bytes, edit.dtype, edit.vectorSigns);
  let total: ChipSums | null = null;
  for (const run of edit.runs) {
    const sums = editRun(bytes, edit, run);
    if (sums === null) continue;
    total ??= emptyChipSums(sums.sums.length);
    addChipSums(total, sums);
  }
  return total;
}

function editRun(bytes: Uint8Array, { dtype, origin }: TileEdit, { first, view }: TileRun): ChipSums | null {
  const { rowSigns, colSigns, colStride, cols, spread, lowRank, difference } = view;
  const offsets = view.rowOffsets.map((offset) => offset - origin);
  flipSigns(bytes, dtype, { offsets, colStride, cols, rowSigns, colSigns });
  const width = DTYPE_BITS[dtype] / 8;
  const rows = { first, count: offsets.length, offset: (row: number) => offsets[row - first]! * width };
  // The planner lets nothing be added to other types.
  const direct = dtype as DirectDtype;
  const sums = spread === null ? null : applySpread(bytes, direct, view, rows);
  if (lowRank !== null) addLowRank(bytes, direct, view, lowRank, rows);
  if (difference !== undefined) addDifference(bytes, direct, view, difference, rows);
  return sums;
}
