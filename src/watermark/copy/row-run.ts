import type { LowRankEdit, ViewEdit } from "../host/tensor-edit.ts";
import type { TileRun } from "./edit-task.ts";

/** Rows [first, first + count) of a view, with copies of what is given by row. */
export function cutRun(view: ViewEdit, first: number, count: number): TileRun {
  const { difference, ...rest } = view;
  return {
    first,
    view: {
      ...rest,
      rowOffsets: compact(view.rowOffsets.subarray(first, first + count)),
      rowSigns: view.rowSigns === null ? null : compact(view.rowSigns.subarray(first, first + count)),
      lowRank: view.lowRank === null ? null : cutLowRank(view.lowRank, first, count),
      ...(difference === undefined
        ? {}
        : { difference: { ...difference, shaped: cutLowRank(difference.shaped, first, count) } }),
    },
  };
}

function cutLowRank(edit: LowRankEdit, first: number, count: number): LowRankEdit {
  return {
    ...edit,
    coefficients: compact(edit.coefficients.subarray(first * edit.rank, (first + count) * edit.rank)),
  };
}

/** A message to a worker carries the whole buffer that an array lies in, however small the array is. */
function compact<T extends Float64Array | Float32Array | Int8Array>(array: T): T {
  return array.byteLength === array.buffer.byteLength ? array : (array.slice() as T);
}
