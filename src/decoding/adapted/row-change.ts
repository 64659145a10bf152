import { DTYPE_BITS, type Dtype } from "../../formats/tensor-info.ts";
import { decodeToF32 } from "../../kernels/decode.ts";
import type { Decoder, StoredRange } from "../decoder.ts";

/** What an adapter does to rows of a stored matrix. */
export interface RowChange {
  /** What has to be read of the adapter for rows [first, first + count). */
  ranges(first: number, count: number): StoredRange[];
  /**
   * Changes rows where they stand.
   *
   * @param stored the bytes of `ranges(first, count)`, in the same order
   * @param rows `count` rows, row-major
   */
  apply(stored: readonly Uint8Array[], first: number, count: number, rows: Float32Array): void;
}

/** A matrix as it is stored, convolutions with all axes but the first as one. */
export interface StoredMatrix {
  readonly file: number;
  readonly begin: number;
  readonly dtype: Dtype;
  readonly rows: number;
  readonly cols: number;
}

/** The values of a matrix with a change made to them, in f32, whatever type the matrix is stored in. */
export function adaptedDecoder({ file, begin, dtype, cols }: StoredMatrix, change: RowChange): Decoder {
  const width = DTYPE_BITS[dtype] / 8;
  return {
    unit: cols,
    ranges(first, count) {
      const own = { file, start: begin + first * width, end: begin + (first + count) * width };
      return [own, ...change.ranges(first / cols, Math.ceil(count / cols))];
    },
    decode([own, ...stored], first, count, out) {
      const rows = out.subarray(0, count);
      decodeToF32(own!, dtype, rows);
      change.apply(stored, first / cols, count / cols, rows);
    },
  };
}
