import { toHalf } from "../narrow-floats.ts";
import type { BlockRounder } from "./block-rounder.ts";
import { NON_LINEAR } from "./non-linear.ts";

/**
 * Blocks of 32 as ggml's reference quantisers round them, in single precision and in the order of their sums, so that values are
 * equal to the bit. Scales are rounded to f16 after the codes were chosen.
 *
 * Source: the behaviour of `quantize_row_*_ref` and `ggml_quantize_chunk` of ggml without an importance matrix.
 */
export const SMALL_ROUNDERS: Readonly<Record<string, BlockRounder>> = {
  Q4_0: (values, out) => centred(values, out, 8),
  Q5_0: (values, out) => centred(values, out, 16),
  Q4_1: (values, out) => spanned(values, out, 15),
  Q5_1: (values, out) => spanned(values, out, 31),
  Q8_0: q8_0,
  IQ4_NL: iq4_nl,
  MXFP4: mxfp4,
};

const f = Math.fround;
const SIZE = 32;

/** The value of largest size becomes the lowest code, whichever sign it has; codes are cut off above the middle of two. */
function centred(values: Float32Array, out: Float32Array, half: number): void {
  for (let at = 0; at < values.length; at += SIZE) {
    let [size, largest] = [0, 0];
    for (let i = at; i < at + SIZE; i++) {
      const value = values[i]!;
      if (Math.abs(value) > size) [size, largest] = [Math.abs(value), value];
    }
    const step = f(largest / -half);
    const inverse = step === 0 ? 0 : f(1 / step);
    const stored = toHalf(step);
    for (let i = at; i < at + SIZE; i++) {
      const code = Math.min(2 * half - 1, Math.trunc(f(f(values[i]! * inverse) + half + 0.5)));
      out[i] = stored * (code - half);
    }
  }
}

/** From the lowest value to the highest. */
function spanned(values: Float32Array, out: Float32Array, codes: number): void {
  for (let at = 0; at < values.length; at += SIZE) {
    let [low, high] = [values[at]!, values[at]!];
    for (let i = at + 1; i < at + SIZE; i++) {
      low = Math.min(low, values[i]!);
      high = Math.max(high, values[i]!);
    }
    const step = f(f(high - low) / codes);
    const inverse = step === 0 ? 0 : f(1 / step);
    const [stored, least] = [toHalf(step), toHalf(low)];
    for (let i = at; i < at + SIZE; i++) {
      const code = Math.min(codes, Math.trunc(f(f(f(values[i]! - low) * inverse) + 0.5)));
      out[i] = stored * code + least;
    }
  }
}

function q8_0(values: Float32Array, out: Float32Array): void {
  for (let at = 0; at < values.length; at += SIZE) {
    let size = 0;
    for (let i = at; i < at + SIZE; i++) size = Math.max(size, Math.abs(values[i]!));
    const step = f(size / 127);
    const inverse = step === 0 ? 0 : f(1 / step);
    const stored = toHalf(step);
    for (let i = at; i < at + SIZE; i++) {
      const scaled = f(values[i]! * inverse);
      // Ties away from zero, which Math.round is not.
      const code = Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5);
      out[i] = stored * code;
    }
  }
}

/** Tries of another scale on either side. */
const TRIES = 7;
const SMALLEST = f(1e-15);

/** Number of the code nearest to a value, of two the upper where it lies in the middle. */
function nearest(value: number): number {
  if (value <= NON_LINEAR[0]!) return 0;
  if (value >= NON_LINEAR[15]!) return 15;
  let [low, high] = [0, 15];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (value < NON_LINEAR[middle]!) high = middle;
    else low = middle;
  }
  return f(value - NON_LINEAR[high - 1]!) < f(NON_LINEAR[high]! - value) ? high - 1 : high;
}

/** The scale that fits best by squares weighted with squares, of some about that of the largest value. */
function iq4_nl(values: Float32Array, out: Float32Array): void {
  const lowest = NON_LINEAR[0]!;
  const codes = new Float32Array(SIZE);
  for (let at = 0; at < values.length; at += SIZE) {
    const block = values.subarray(at, at + SIZE);
    let [size, largest] = [0, 0];
    for (const value of block) if (Math.abs(value) > size) [size, largest] = [Math.abs(value), value];
    if (size < SMALLEST) {
      out.fill(0, at, at + SIZE);
      continue;
    }
    /** Sums of weight times code times value, and times code squared. */
    const sumsFor = (inverse: number): readonly [product: number, square: number] => {
      let [product, square] = [0, 0];
      for (const value of block) {
        const code = NON_LINEAR[nearest(f(inverse * value))]!;
        const weight = f(value * value);
        product = f(product + f(f(weight * code) * value));
        square = f(square + f(f(weight * code) * code));
      }
      return [product, square];
    };
    let step = f(-largest / lowest);
    const [product, square] = sumsFor(f(1 / step));
    step = f(product / square);
    let best = f(step * product);
    for (let attempt = -TRIES; attempt <= TRIES; attempt++) {
      const [other, its] = sumsFor(f(f(attempt + lowest) / largest));
      if (its > 0 && f(other * other) > f(best * its)) {
        step = f(other / its);
        best = f(step * other);
      }
    }
    const stored = toHalf(step);
    const inverse = step === 0 ? 0 : f(1 / step);
    for (let i = 0; i < SIZE; i++) codes[i] = NON_LINEAR[nearest(f(inverse * block[i]!))]!;
    for (let i = 0; i < SIZE; i++) out[at + i] = stored * codes[i]!;
  }
}

/** Values of E2M1 that the codes stand for, in the order in which a nearer one is looked for. */
const E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6] as const;

/** A power of two, two below that of the largest value. */
function mxfp4(values: Float32Array, out: Float32Array): void {
  for (let at = 0; at < values.length; at += SIZE) {
    let size = 0;
    for (let i = at; i < at + SIZE; i++) size = Math.max(size, Math.abs(values[i]!));
    const exponent = size > 0 ? Math.max(-127, Math.floor(Math.log2(size)) - 2) : -127;
    const scale = 2 ** exponent;
    for (let i = at; i < at + SIZE; i++) {
      const value = values[i]!;
      let [found, error] = [0, Number.POSITIVE_INFINITY];
      for (const code of E2M1) {
        const off = f(Math.abs(code * scale - Math.abs(value)));
        if (off < error) [found, error] = [code, off];
      }
      out[i] = Math.sign(value) * found * scale;
    }
  }
}
