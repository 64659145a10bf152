import { type BlockDecoder, halfTable, wordAt } from "./block-decoder.ts";
import { codebook } from "./codebooks.ts";

/** Blocks of 256 whose codes count in a table of groups of four or eight values, with signs apart. */
export const CODEBOOK_BLOCKS: Readonly<Record<string, BlockDecoder>> = {
  IQ1_S: iq1_s,
  IQ1_M: iq1_m,
  IQ2_XXS: iq2_xxs,
  IQ2_XS: iq2_xs,
  IQ2_S: iq2_s,
  IQ3_XXS: iq3_xxs,
  IQ3_S: iq3_s,
};

/** Added to the values of a group of IQ1 in units of its scale, or taken from them. */
const SHIFT = 0.125;

/** The eight signs that seven bits stand for: the last makes their number even. */
function signsOf(code: number): number {
  let parity = code ^ (code >> 4);
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return code | ((parity & 1) << 7);
}

const SIGNS = Uint8Array.from({ length: 128 }, (_, code) => signsOf(code));

/** Writes a group of values, negated where a bit of `signs` is set. */
function signed(
  out: Float32Array,
  to: number,
  d: number,
  grid: Int8Array,
  from: number,
  size: number,
  signs: number,
): void {
  for (let j = 0; j < size; j++) {
    const value = d * grid[from + j]!;
    out[to + j] = (signs >> j) & 1 ? -value : value;
  }
}

/** Scale; for each 32 values four codes, then 28 bits of signs and four of a scale. */
function iq2_xxs(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const grid = codebook("IQ2_XXS");
  for (let o = 0, at = 0; o < out.length; o += 256, at += 66) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    for (let part = 0; part < 8; part++) {
      const from = at + 2 + 8 * part;
      const word = wordAt(stored, from + 4);
      const db = d * (0.5 + (word >>> 28)) * 0.25;
      for (let l = 0; l < 4; l++) {
        signed(out, o + 32 * part + 8 * l, db, grid, 8 * stored[from + l]!, 8, SIGNS[(word >>> (7 * l)) & 127]!);
      }
    }
  }
}

/** Scale; 32 codes of nine bits with seven of signs; sixteen scales of four bits. */
function iq2_xs(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const grid = codebook("IQ2_XS");
  for (let o = 0, at = 0; o < out.length; o += 256, at += 74) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    for (let group = 0; group < 32; group++) {
      const code = stored[at + 2 + 2 * group]! | (stored[at + 3 + 2 * group]! << 8);
      const scale = (stored[at + 66 + (group >> 2)]! >> (group & 2 ? 4 : 0)) & 15;
      signed(out, o + 8 * group, d * (0.5 + scale) * 0.25, grid, 8 * (code & 511), 8, SIGNS[code >> 9]!);
    }
  }
}

/** Scale; 32 codes, of which two more bits follow the 32 bytes of signs; sixteen scales of four bits. */
function iq2_s(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const grid = codebook("IQ2_S");
  for (let o = 0, at = 0; o < out.length; o += 256, at += 82) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    for (let group = 0; group < 32; group++) {
      const high = (stored[at + 66 + (group >> 2)]! >> (2 * (group & 3))) & 3;
      const scale = (stored[at + 74 + (group >> 2)]! >> (group & 2 ? 4 : 0)) & 15;
      const code = stored[at + 2 + group]! | (high << 8);
      signed(out, o + 8 * group, d * (0.5 + scale) * 0.25, grid, 8 * code, 8, stored[at + 34 + group]!);
    }
  }
}

/** Scale; 64 codes of four values; for each 32 values 28 bits of signs and four of a scale. */
function iq3_xxs(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const grid = codebook("IQ3_XXS");
  for (let o = 0, at = 0; o < out.length; o += 256, at += 98) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    for (let part = 0; part < 8; part++) {
      const word = wordAt(stored, at + 66 + 4 * part);
      const db = d * (0.5 + (word >>> 28)) * 0.5;
      for (let l = 0; l < 4; l++) {
        const signs = SIGNS[(word >>> (7 * l)) & 127]!;
        const [from, to] = [at + 2 + 8 * part + 2 * l, o + 32 * part + 8 * l];
        signed(out, to, db, grid, 4 * stored[from]!, 4, signs);
        signed(out, to + 4, db, grid, 4 * stored[from + 1]!, 4, signs >> 4);
      }
    }
  }
}

/** Scale; 64 codes, whose ninth bits follow; 32 bytes of signs; eight scales of four bits. */
function iq3_s(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const grid = codebook("IQ3_S");
  for (let o = 0, at = 0; o < out.length; o += 256, at += 110) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    for (let group = 0; group < 64; group++) {
      const scale = (stored[at + 106 + (group >> 4)]! >> (group & 8 ? 4 : 0)) & 15;
      const code = stored[at + 2 + group]! | (((stored[at + 66 + (group >> 3)]! >> (group & 7)) & 1) << 8);
      const signs = stored[at + 74 + (group >> 1)]! >> (group & 1 ? 4 : 0);
      signed(out, o + 4 * group, d * (1 + 2 * scale), grid, 4 * code, 4, signs);
    }
  }
}

/** Scale; 32 codes; for each 32 values three more bits of four codes, three of a scale and one of the shift. */
function iq1_s(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const grid = codebook("IQ1_S");
  for (let o = 0, at = 0; o < out.length; o += 256, at += 50) {
    const d = half[stored[at]! | (stored[at + 1]! << 8)]!;
    for (let part = 0; part < 8; part++) {
      const word = stored[at + 34 + 2 * part]! | (stored[at + 35 + 2 * part]! << 8);
      const dl = d * (2 * ((word >> 12) & 7) + 1);
      const shift = word & 0x8000 ? -SHIFT : SHIFT;
      for (let l = 0; l < 4; l++) {
        const code = stored[at + 2 + 4 * part + l]! | (((word >> (3 * l)) & 7) << 8);
        const to = o + 32 * part + 8 * l;
        for (let j = 0; j < 8; j++) out[to + j] = dl * (grid[8 * code + j]! + shift);
      }
    }
  }
}

/** 32 codes; three more bits and one of the shift for each; sixteen scales of three bits, and the block's own in what is left. */
function iq1_m(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  const grid = codebook("IQ1_S");
  for (let o = 0, at = 0; o < out.length; o += 256, at += 56) {
    const scales = at + 48;
    const low = (stored[scales + 1]! >> 4) | (stored[scales + 3]! & 0xf0);
    const high = (stored[scales + 5]! >> 4) | (stored[scales + 7]! & 0xf0);
    const d = half[low | (high << 8)]!;
    for (let group = 0; group < 32; group++) {
      const word = stored[scales + 2 * (group >> 3)]! | (stored[scales + 1 + 2 * (group >> 3)]! << 8);
      const dl = d * (2 * ((word >> (3 * ((group >> 1) & 3))) & 7) + 1);
      const more = stored[at + 32 + (group >> 1)]! >> (group & 1 ? 4 : 0);
      const code = stored[at + group]! | ((more & 7) << 8);
      const shift = more & 8 ? -SHIFT : SHIFT;
      for (let j = 0; j < 8; j++) out[o + 8 * group + j] = dl * (grid[8 * code + j]! + shift);
    }
  }
}
