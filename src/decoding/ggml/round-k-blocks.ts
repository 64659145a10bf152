import { toHalf } from "../narrow-floats.ts";
import type { BlockRounder } from "./block-rounder.ts";
import { type Fit, fitCentred, fitRefined, fitSpanned, nearestWhole } from "./fit-scale.ts";

/**
 * Blocks of 256 as ggml's reference quantisers round them: a scale is searched for each part, those are rounded to few bits
 * by that of the whole block, and codes are then the nearest ones by what is stored.
 *
 * Source: the behaviour of `quantize_row_q*_K_ref` of ggml.
 */
export const K_ROUNDERS: Readonly<Record<string, BlockRounder>> = {
  Q2_K: (values, out) => spanned(values, out, TWO),
  Q3_K: (values, out) => centred(values, out, THREE),
  Q4_K: (values, out) => spanned(values, out, FOUR),
  Q5_K: (values, out) => spanned(values, out, FIVE),
  Q6_K: (values, out) => centred(values, out, SIX),
};

const f = Math.fround;
const SIZE = 256;
const SMALLEST = f(1e-15);

/** Types whose parts have a scale and a least value. */
interface Spanned {
  /** Values of a part, and the largest code. */
  readonly part: number;
  readonly codes: number;
  /** Largest number that the scale or least value of a part is stored as. */
  readonly scales: number;
  /** How scales are searched, see `fitSpanned`. */
  readonly from: number;
  readonly steps: number;
  readonly bySize: boolean;
}

const TWO: Spanned = { part: 16, codes: 3, scales: 15, from: f(-0.5), steps: 15, bySize: true };
const FOUR: Spanned = { part: 32, codes: 15, scales: 63, from: -1, steps: 20, bySize: false };
const FIVE: Spanned = { part: 32, codes: 31, scales: 63, from: f(-0.5), steps: 15, bySize: false };

/** Types whose parts have a scale alone, codes counted from the middle. */
interface Centred {
  readonly half: number;
  /** Most that the scale of a part is stored as, below zero. */
  readonly scales: number;
  readonly scaleOf: Fit;
}

const THREE: Centred = { half: 4, scales: 32, scaleOf: fitRefined };
const SIX: Centred = { half: 32, scales: 128, scaleOf: fitCentred };

const scales = new Float32Array(16);
const leasts = new Float32Array(16);
const weights = new Float32Array(32);

function spanned(values: Float32Array, out: Float32Array, kind: Spanned): void {
  const { part, codes, scales: most } = kind;
  const parts = SIZE / part;
  for (let at = 0; at < values.length; at += SIZE) {
    let [largest, lowest] = [0, 0];
    for (let j = 0; j < parts; j++) {
      const own = values.subarray(at + j * part, at + (j + 1) * part);
      weigh(own, kind.bySize);
      const { scale, least } = fitSpanned(own, weights, kind);
      scales[j] = scale;
      leasts[j] = least;
      largest = Math.max(largest, scale);
      lowest = Math.max(lowest, least);
    }
    const [byScale, byLeast] = [largest > 0 ? f(most / largest) : 0, lowest > 0 ? f(most / lowest) : 0];
    const [d, m] = [toHalf(f(largest / most)), toHalf(f(lowest / most))];
    for (let j = 0; j < parts; j++) {
      const step = f(d * Math.min(most, nearestWhole(f(byScale * scales[j]!))));
      const off = f(m * Math.min(most, nearestWhole(f(byLeast * leasts[j]!))));
      for (let i = at + j * part; i < at + (j + 1) * part; i++) {
        const code = step === 0 ? 0 : Math.max(0, Math.min(codes, nearestWhole(f(f(values[i]! + off) / step))));
        out[i] = step * code - off;
      }
    }
  }
}

/** Errors count by the sizes of values: alone, or beside their root mean square. */
function weigh(values: Float32Array, bySize: boolean): void {
  let mean = 0;
  if (!bySize) {
    for (const value of values) mean = f(mean + f(value * value));
    mean = f(Math.sqrt(f(mean / values.length)));
  }
  for (let i = 0; i < values.length; i++) weights[i] = mean + Math.abs(values[i]!);
}

function centred(values: Float32Array, out: Float32Array, { half, scales: most, scaleOf }: Centred): void {
  const part = 16;
  for (let at = 0; at < values.length; at += SIZE) {
    let [size, largest] = [0, 0];
    for (let j = 0; j < 16; j++) {
      const scale = scaleOf(values.subarray(at + j * part, at + (j + 1) * part), half);
      scales[j] = scale;
      if (Math.abs(scale) > size) [size, largest] = [Math.abs(scale), scale];
    }
    if (size < (half === 32 ? SMALLEST : Number.MIN_VALUE)) {
      out.fill(0, at, at + SIZE);
      continue;
    }
    const inverse = f(-most / largest);
    const d = toHalf(f(1 / inverse));
    for (let j = 0; j < 16; j++) {
      const stored = Math.max(-most, Math.min(most - 1, nearestWhole(f(inverse * scales[j]!))));
      const step = f(d * stored);
      for (let i = at + j * part; i < at + (j + 1) * part; i++) {
        const code = step === 0 ? 0 : Math.max(-half, Math.min(half - 1, nearestWhole(f(values[i]! / step))));
        out[i] = step * code;
      }
    }
  }
}
