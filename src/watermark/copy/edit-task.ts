import type { Dtype } from "../../formats/tensor-info.ts";
import type { ViewEdit } from "../host/tensor-edit.ts";

/** A stretch of one file, read from the input and written at the same offset of the output. Plain data: crosses threads. */
export interface EditTask {
  /** Index of the file in the checkpoint. */
  readonly file: number;
  readonly begin: number;
  readonly end: number;
  /** What changes; null where bytes are copied. */
  readonly edit: TileEdit | null;
}

/** A tile of a stored tensor: whole rows of every view that lies in it. */
export interface TileEdit {
  readonly tensor: string;
  readonly dtype: Dtype;
  /** Number of the tile's first element in its tensor. */
  readonly origin: number;
  readonly runs: readonly TileRun[];
  readonly vectorSigns: Int8Array | null;
}

/** Consecutive rows of a view that lie in one tile. */
export interface TileRun {
  /** Number of the first row in the whole view; keystreams count from the view's start. */
  readonly first: number;
  /** The edit with everything that is given by row (offsets, signs, coefficients) cut to the run. */
  readonly view: ViewEdit;
}
