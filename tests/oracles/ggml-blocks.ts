import { halfTable, wordAt } from "../../src/decoding/ggml/block-decoder.ts";

type PlainBlocks = (stored: Uint8Array, out: Float32Array) => void;

/** The blocks of ggml that kernels decode, in plain TypeScript, to the bit. */
export const PLAIN_BLOCKS: Readonly<Record<string, PlainBlocks>> = {
  Q4_0: q4_0,
  Q4_1: q4_1,
  Q5_0: q5_0,
  Q5_1: q5_1,
  Q8_0: q8_0,
  IQ4_NL: iq4_nl,
  Q2_K: q2_k,
  Q3_K: q3_k,
  Q4_K: q4_k,
  Q5_K: q5_k,
  Q6_K: q6_k,
  IQ4_XS: iq4_xs,
};

/** What the codes of IQ4_NL and IQ4_XS stand for. */
const NON_LINEAR = Float32Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

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

/** Sixteen bytes, each a scale and a minimum of four bits; 64 bytes, each two bits of values 32 apart; scale, minimum. */
function q2_k(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 256, at += 84) {
    const d = half[stored[at + 80]! | (stored[at + 81]! << 8)]!;
    const min = half[stored[at + 82]! | (stored[at + 83]! << 8)]!;
    for (let part = 0; part < 16; part++) {
      const scale = stored[at + part]!;
      const dl = d * (scale & 15);
      const ml = min * (scale >> 4);
      const from = at + 16 + 32 * (part >> 3) + 16 * (part & 1);
      const shift = 2 * ((part >> 1) & 3);
      const to = o + 16 * part;
      for (let j = 0; j < 16; j++) out[to + j] = dl * ((stored[from + j]! >> shift) & 3) - ml;
    }
  }
}

/** 32 bytes of high bits; 64 bytes of two low bits; sixteen scales of six bits; scale. Where the high bit is not set, less 4. */
function q3_k(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 256, at += 110) {
    const d = half[stored[at + 108]! | (stored[at + 109]! << 8)]!;
    for (let part = 0; part < 16; part++) {
      const low = part < 8 ? stored[at + 96 + part]! & 15 : stored[at + 88 + part]! >> 4;
      const high = (stored[at + 104 + (part & 3)]! >> (2 * (part >> 2))) & 3;
      const dl = d * ((low | (high << 4)) - 32);
      const from = at + 32 + 32 * (part >> 3) + 16 * (part & 1);
      const shift = 2 * ((part >> 1) & 3);
      const highs = at + 16 * (part & 1);
      const bit = part >> 1;
      const to = o + 16 * part;
      for (let j = 0; j < 16; j++) {
        const value = (stored[from + j]! >> shift) & 3;
        out[to + j] = dl * (value - 4 + (((stored[highs + j]! >> bit) & 1) << 2));
      }
    }
  }
}

/** Scale, minimum; eight scales and minima of six bits; 128 bytes of nibbles, the low ones 32 before the high ones. */
function q4_k(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 256, at += 144) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    const min = half[stored[at + 2]! | (stored[at + 3]! << 8)]!;
    for (let pair = 0; pair < 4; pair++) {
      const d1 = d * scaleOf(stored, at + 4, 2 * pair);
      const m1 = min * minimumOf(stored, at + 4, 2 * pair);
      const d2 = d * scaleOf(stored, at + 4, 2 * pair + 1);
      const m2 = min * minimumOf(stored, at + 4, 2 * pair + 1);
      const from = at + 16 + 32 * pair;
      const to = o + 64 * pair;
      for (let j = 0; j < 32; j++) {
        const byte = stored[from + j]!;
        out[to + j] = d1 * (byte & 15) - m1;
        out[to + 32 + j] = d2 * (byte >> 4) - m2;
      }
    }
  }
}

/** As Q4_K, with 32 bytes of fifth bits, one for each part, before the nibbles. */
function q5_k(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 256, at += 176) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    const min = half[stored[at + 2]! | (stored[at + 3]! << 8)]!;
    for (let pair = 0; pair < 4; pair++) {
      const d1 = d * scaleOf(stored, at + 4, 2 * pair);
      const m1 = min * minimumOf(stored, at + 4, 2 * pair);
      const d2 = d * scaleOf(stored, at + 4, 2 * pair + 1);
      const m2 = min * minimumOf(stored, at + 4, 2 * pair + 1);
      const from = at + 48 + 32 * pair;
      const to = o + 64 * pair;
      for (let j = 0; j < 32; j++) {
        const byte = stored[from + j]!;
        const high = stored[at + 16 + j]! >> (2 * pair);
        out[to + j] = d1 * ((byte & 15) | ((high & 1) << 4)) - m1;
        out[to + 32 + j] = d2 * ((byte >> 4) | ((high & 2) << 3)) - m2;
      }
    }
  }
}

/** 128 bytes of nibbles, 64 of two high bits; sixteen signed scales; scale; less 32. */
function q6_k(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const signed = new Int8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  for (let o = 0, at = 0; o < out.length; o += 256, at += 210) {
    const d = half[stored[at + 208]! | (stored[at + 209]! << 8)]!;
    for (let part = 0; part < 4; part++) {
      // Halves of 128 values, in each two runs of sixteen.
      const [low, high, scales] = [at + 64 * (part >> 1), at + 128 + 32 * (part >> 1), at + 192 + 8 * (part >> 1)];
      const run = part & 1;
      const d0 = d * signed[scales + run]!;
      const d1 = d * signed[scales + run + 2]!;
      const d2 = d * signed[scales + run + 4]!;
      const d3 = d * signed[scales + run + 6]!;
      const to = o + 128 * (part >> 1) + 16 * run;
      for (let j = 0; j < 16; j++) {
        const first = stored[low + 16 * run + j]!;
        const second = stored[low + 32 + 16 * run + j]!;
        const upper = stored[high + 16 * run + j]!;
        out[to + j] = d0 * (((first & 15) | ((upper & 3) << 4)) - 32);
        out[to + 32 + j] = d1 * (((second & 15) | ((upper & 12) << 2)) - 32);
        out[to + 64 + j] = d2 * (((first >> 4) | (upper & 48)) - 32);
        out[to + 96 + j] = d3 * (((second >> 4) | ((upper & 192) >> 2)) - 32);
      }
    }
  }
}

/** Scale; eight scales of six bits, the upper two first; nibbles that count in the table of IQ4_NL. */
function iq4_xs(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 256, at += 136) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    const highs = stored[at + 2]! | (stored[at + 3]! << 8);
    for (let part = 0; part < 8; part++) {
      const low = (stored[at + 4 + (part >> 1)]! >> (part & 1 ? 4 : 0)) & 15;
      const dl = d * ((low | (((highs >> (2 * part)) & 3) << 4)) - 32);
      const [from, to] = [at + 8 + 16 * part, o + 32 * part];
      for (let j = 0; j < 16; j++) {
        const byte = stored[from + j]!;
        out[to + j] = dl * NON_LINEAR[byte & 15]!;
        out[to + 16 + j] = dl * NON_LINEAR[byte >> 4]!;
      }
    }
  }
}

/** Scale of six bits of part `i` of eight. The last four have their upper two bits where the first four have room. */
function scaleOf(stored: Uint8Array, at: number, i: number): number {
  if (i < 4) return stored[at + i]! & 63;
  return (stored[at + i + 4]! & 15) | ((stored[at + i - 4]! >> 6) << 4);
}

function minimumOf(stored: Uint8Array, at: number, i: number): number {
  if (i < 4) return stored[at + i + 4]! & 63;
  return (stored[at + i + 4]! >> 4) | ((stored[at + i]! >> 6) << 4);
}
