import { decodeToF32 } from "../../kernels/decode.ts";
import type { BlockDecoder } from "./block-decoder.ts";

/** Floats that ggml stores as they are, "blocks" of one; and Q8_K, which no file of weights is made of. */
export const PLAIN_VALUES: Readonly<Record<string, BlockDecoder>> = {
  F32: (stored, out) => void decodeToF32(stored, "F32", out),
  F16: (stored, out) => void decodeToF32(stored, "F16", out),
  BF16: (stored, out) => void decodeToF32(stored, "BF16", out),
  F64: (stored, out) => void decodeToF32(stored, "F64", out),
  Q8_K: q8_k,
};

/** Blocks of 256: scale as f32; signed bytes; sums that decoding does not need. */
function q8_k(stored: Uint8Array, out: Float32Array): void {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  for (let o = 0, at = 0; o < out.length; o += 256, at += 292) {
    const d = view.getFloat32(at, true);
    for (let j = 0; j < 256; j++) out[o + j] = d * view.getInt8(at + 4 + j);
  }
}
