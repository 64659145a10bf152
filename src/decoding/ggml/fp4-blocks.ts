import type { BlockDecoder } from "./block-decoder.ts";

/** Blocks whose values are E2M1, with scales that are bytes. Low nibbles are the first half of a block, high ones the second. */
export const FP4_BLOCKS: Readonly<Record<string, BlockDecoder>> = { MXFP4: mxfp4, NVFP4: nvfp4 };

/** Twice the values of E2M1, the sign in the highest bit; its scales are half of what they say. */
const E2M1_DOUBLED = Float32Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** A scale of OCP's microscaling formats, a power of two whose exponent is a byte; E2M1. */
function mxfp4(stored: Uint8Array, out: Float32Array): void {
  for (let o = 0, at = 0; o < out.length; o += 32, at += 17) {
    const d = 2 ** (stored[at]! - 128);
    for (let j = 0; j < 16; j++) {
      const byte = stored[at + 1 + j]!;
      out[o + j] = d * E2M1_DOUBLED[byte & 15]!;
      out[o + 16 + j] = d * E2M1_DOUBLED[byte >> 4]!;
    }
  }
}

/** Four scales of E4M3 without a sign; four times eight bytes of E2M1, each for sixteen values. */
function nvfp4(stored: Uint8Array, out: Float32Array): void {
  for (let o = 0, at = 0; o < out.length; o += 64, at += 36) {
    for (let part = 0; part < 4; part++) {
      const d = halfE4M3(stored[at + part]!);
      const [from, to] = [at + 4 + 8 * part, o + 16 * part];
      for (let j = 0; j < 8; j++) {
        const byte = stored[from + j]!;
        out[to + j] = d * E2M1_DOUBLED[byte & 15]!;
        out[to + 8 + j] = d * E2M1_DOUBLED[byte >> 4]!;
      }
    }
  }
}

/** Half of what a scale of NVFP4 says. The code that is NaN in E4M3 is 0, as in ggml, and the bit of the sign means nothing. */
function halfE4M3(code: number): number {
  if (code === 0x7f) return 0;
  const exponent = (code >> 3) & 15;
  const mantissa = code & 7;
  return exponent === 0 ? mantissa * 2 ** -10 : (8 + mantissa) * 2 ** (exponent - 11);
}
