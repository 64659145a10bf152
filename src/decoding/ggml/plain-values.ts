import { type BlockDecoder, halfTable } from "./block-decoder.ts";

/** Floats that ggml stores as they are, "blocks" of one. */
export const PLAIN_VALUES: Readonly<Record<string, BlockDecoder>> = { F32: f32, F16: f16, BF16: bf16, F64: f64 };

function f32(stored: Uint8Array, out: Float32Array): void {
  new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(stored.subarray(0, out.byteLength));
}

function f16(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let i = 0, at = 0; i < out.length; i++, at += 2) out[i] = half[stored[at]! | (stored[at + 1]! << 8)]!;
}

function bf16(stored: Uint8Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0, at = 0; i < out.length; i++, at += 2) bits[i] = (stored[at]! << 16) | (stored[at + 1]! << 24);
}

function f64(stored: Uint8Array, out: Float32Array): void {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  for (let i = 0; i < out.length; i++) out[i] = view.getFloat64(8 * i, true);
}
