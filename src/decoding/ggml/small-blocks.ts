import { type BlockDecoder, halfTable } from "./block-decoder.ts";

/** Blocks of 32 with one scale, and what is made of these. Low nibbles are the first half of a block, high ones the second. */
export const SMALL_BLOCKS: Readonly<Record<string, BlockDecoder>> = {
  Q4_0: q4_0,
  Q4_1: q4_1,
  Q5_0: q5_0,
  Q5_1: q5_1,
  Q8_0: q8_0,
  IQ4_NL: iq4_nl,
  MXFP4: mxfp4,
  NVFP4: nvfp4,
};

/** What the codes of IQ4_NL and IQ4_XS stand for. */
export const NON_LINEAR = Float32Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
/** Twice the values of E2M1, the sign in the highest bit; its scales are half of what they say. */
const E2M1_DOUBLED = Float32Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** Scale; sixteen bytes of nibbles, less 8. */
function q4_0(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 32, at += 18) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    for (let j = 0; j < 16; j++) {
      const byte = stored[at + 2 + j]!;
      out[o + j] = d * ((byte & 15) - 8);
      out[o + 16 + j] = d * ((byte >> 4) - 8);
    }
  }
}

/** Scale, least value; nibbles. */
function q4_1(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 32, at += 20) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    const least = half[stored[at + 2]! | (stored[at + 3]! << 8)]!;
    for (let j = 0; j < 16; j++) {
      const byte = stored[at + 4 + j]!;
      out[o + j] = d * (byte & 15) + least;
      out[o + 16 + j] = d * (byte >> 4) + least;
    }
  }
}

/** Scale; a word of fifth bits; nibbles; less 16. */
function q5_0(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 32, at += 22) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    const high = wordAt(stored, at + 2);
    for (let j = 0; j < 16; j++) {
      const byte = stored[at + 6 + j]!;
      out[o + j] = d * (((byte & 15) | (((high >>> j) & 1) << 4)) - 16);
      out[o + 16 + j] = d * (((byte >> 4) | (((high >>> (j + 16)) & 1) << 4)) - 16);
    }
  }
}

/** Scale, least value; a word of fifth bits; nibbles. */
function q5_1(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 32, at += 24) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    const least = half[stored[at + 2]! | (stored[at + 3]! << 8)]!;
    const high = wordAt(stored, at + 4);
    for (let j = 0; j < 16; j++) {
      const byte = stored[at + 8 + j]!;
      out[o + j] = d * ((byte & 15) | (((high >>> j) & 1) << 4)) + least;
      out[o + 16 + j] = d * ((byte >> 4) | (((high >>> (j + 16)) & 1) << 4)) + least;
    }
  }
}

/** Scale; signed bytes. */
function q8_0(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const signed = new Int8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  for (let o = 0, at = 0; o < out.length; o += 32, at += 34) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    for (let j = 0; j < 32; j++) out[o + j] = d * signed[at + 2 + j]!;
  }
}

/** Scale; nibbles that count in a table. */
function iq4_nl(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 32, at += 18) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    for (let j = 0; j < 16; j++) {
      const byte = stored[at + 2 + j]!;
      out[o + j] = d * NON_LINEAR[byte & 15]!;
      out[o + 16 + j] = d * NON_LINEAR[byte >> 4]!;
    }
  }
}

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

export function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
