import { type BlockDecoder, halfTable } from "./block-decoder.ts";

/** Blocks of 256 values of -1, 0 and 1 with one scale. */
export const TERNARY_BLOCKS: Readonly<Record<string, BlockDecoder>> = { TQ1_0: tq1_0, TQ2_0: tq2_0 };

const POWERS = [1, 3, 9, 27, 81] as const;

/** Bytes that hold so many digits of base 3 each, and lie so that digit after digit of a run of them comes. */
const RUNS = [
  { from: 0, bytes: 32, digits: 5, to: 0 },
  { from: 32, bytes: 16, digits: 5, to: 160 },
  { from: 48, bytes: 4, digits: 4, to: 240 },
] as const;

/** Bytes are fractions of 256, of which a digit is taken by multiplying with 3; scale. */
function tq1_0(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 256, at += 54) {
    const d = half[stored[at + 52]! | (stored[at + 53]! << 8)]!;
    for (const { from, bytes, digits, to } of RUNS) {
      for (let digit = 0; digit < digits; digit++) {
        const power = POWERS[digit]!;
        for (let j = 0; j < bytes; j++) {
          const fraction = (stored[at + from + j]! * power) & 255;
          out[o + to + digit * bytes + j] = d * (((fraction * 3) >> 8) - 1);
        }
      }
    }
  }
}

/** Twice 32 bytes of two bits each, of values 32 apart; scale. */
function tq2_0(stored: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let o = 0, at = 0; o < out.length; o += 256, at += 66) {
    const d = half[stored[at + 64]! | (stored[at + 65]! << 8)]!;
    for (let part = 0; part < 8; part++) {
      const [from, shift, to] = [at + 32 * (part >> 2), 2 * (part & 3), o + 32 * part];
      for (let j = 0; j < 32; j++) out[to + j] = d * (((stored[from + j]! >> shift) & 3) - 1);
    }
  }
}
