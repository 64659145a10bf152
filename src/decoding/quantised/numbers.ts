import type { Dtype, TensorInfo } from "../../formats/tensor-info.ts";
import { DTYPE_BITS } from "../../formats/tensor-info.ts";
import { decodeToF32 } from "../../kernels/decode.ts";
import type { Decoder } from "../decoder.ts";
import { ascending } from "./tables.ts";

/** A tensor as it is stored, and in which of the files. */
export interface Stored extends TensorInfo {
  readonly file: number;
}

/** Numbers that lie one after the other as they are. */
export interface PlainNumbers extends Decoder {
  readonly dtype: Dtype;
}

export function isOfType(decoder: Decoder, dtype: Dtype): boolean {
  return "dtype" in decoder && decoder.dtype === dtype;
}

/**
 * The numbers of a tensor as they are stored, in the order of storage. `dtype` where they are of another type than the header
 * says.
 */
export function plainNumbers({ file, begin, dtype: stored }: Stored, dtype: Dtype = stored): PlainNumbers {
  const width = DTYPE_BITS[dtype] / 8;
  return {
    unit: 1,
    dtype,
    ranges: (first, count) => [{ file, start: begin + first * width, end: begin + (first + count) * width }],
    decode(stored, _first, count, out) {
      decodeToF32(stored[0]!, dtype, out.subarray(0, count));
    },
  };
}

/** All finite numbers of a type of one byte, in ascending order. */
export function numbersOfType(dtype: Dtype): Float32Array {
  const all = decodeToF32(
    Uint8Array.from({ length: 256 }, (_, code) => code),
    dtype,
  );
  return ascending(all.filter(Number.isFinite));
}

/** One number in the place of many. */
export function constantNumbers(value: number): Decoder {
  return {
    unit: 1,
    ranges: () => [],
    decode(_stored, _first, count, out) {
      out.fill(value, 0, count);
    },
  };
}

/** The numbers of `count` elements from `first` on. */
export function numbersOf(decoder: Decoder, stored: readonly Uint8Array[], first: number, count: number): Float32Array {
  const out = new Float32Array(count);
  decoder.decode(stored, first, count, out);
  return out;
}
