import { WeightmarkError } from "../errors.ts";
import { DTYPE_BITS, type Dtype } from "../formats/tensor-info.ts";

/** Whether `decodeToF32` knows the type: all but the complex one and those whose elements are not whole bytes. */
export function isDecodable(dtype: Dtype): boolean {
  return DTYPE_BITS[dtype] >= 8 && dtype !== "C64";
}

/** Where a decoder writes. Throws DTYPE_UNSUPPORTED, or INTERNAL for a length that cannot be. */
export function decodeTarget(bytes: Uint8Array, dtype: Dtype, out: Float32Array | undefined): Float32Array {
  if (!isDecodable(dtype)) throw new WeightmarkError("DTYPE_UNSUPPORTED", `${dtype} has no decoding to f32`);
  const n = bytes.length / (DTYPE_BITS[dtype] / 8);
  if (!Number.isInteger(n))
    throw new WeightmarkError("INTERNAL", `${bytes.length} bytes are no whole ${dtype} elements`);
  if (out !== undefined && out.length < n)
    throw new WeightmarkError("INTERNAL", "the output of a decoder is too short");
  return out === undefined ? new Float32Array(n) : out.subarray(0, n);
}
