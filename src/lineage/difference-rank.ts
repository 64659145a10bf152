import type { Slice } from "../fingerprint/fingerprint.ts";
import { allFinite, sliceValues } from "../fingerprint/slice.ts";
import { medianOfNoise } from "../numerics/marchenko-pastur.ts";
import { singularValues } from "../numerics/svd.ts";
import { beyondRules } from "./difference-rule.ts";

/** Singular values this far above the edge of pure rounding noise are structure. */
const CLEAR_OF_NOISE = 1.5;
/** Singular values that are told beyond the rank, and of a spectrum at all. */
const BEYOND_RANK = 4;
const MOST_VALUES = 68;
/** Energy that is left below the rank, over what rounding explains: between rounding that was counted too high and too low. */
const EXPLAINED = 1.3;

/**
 * Leading singular value over the edge of the difference's own noise from which it has structure; noise alone stays below 1.02.
 */
const STRUCTURED = 1.2;

/**
 * - "none": the slices are equal;
 * - "low": so many directions, and rounding explains the rest;
 * - "full": of no low rank, with directions that stand out of it (training leaves such, added noise and rounding do not);
 * - "noise": of no low rank, and nothing stands out;
 * - "rule": what stands out follows a rule that takes no training (difference-rule.ts);
 * - "unresolved": all of the difference is smaller than int8 resolves, so nothing can be said of it.
 */
export type DifferenceRank =
  | { readonly kind: "none" | "full" | "noise" | "rule" | "unresolved" }
  | {
      readonly kind: "low";
      readonly rank: number;
      /** The largest singular values, over the largest that rounding alone is taken to give; some beyond the rank. */
      readonly spectrum: readonly number[];
    };

/**
 * Rank of B - A, from slices that are rounded to int8: before norm gains are folded in, unless it is gains that were folded
 * which make the difference.
 */
export function differenceRank(suspect: Slice, base: Slice): DifferenceRank {
  const plain = rankOf(suspect, base, false);
  if (plain.kind === "none" || plain.kind === "unresolved") return plain;
  if (plain.kind !== "low" && suspect.gain !== null && base.gain !== null) {
    const folded = rankOf(suspect, base, true);
    if (folded.kind === "none" || folded.kind === "unresolved") return folded;
  }
  if (plain.kind === "noise") return plain;
  const { height, width } = base;
  const [before, after] = [sliceValues(base, false), sliceValues(suspect, false)];
  const variance = roundingVariance(suspect, false) + roundingVariance(base, false);
  const rest = beyondRules({ height, width, before, after, low: plain.kind === "low", variance });
  if (rest === null) return { kind: "rule" };
  // Noise that is stronger in some rows has directions that stand out, until all rows have as much of it.
  const isNoise = plain.kind === "full" && !standsOut(spectrum(rest, height, width), height, width);
  return isNoise ? { kind: "noise" } : plain;
}

function rankOf(suspect: Slice, base: Slice, folded: boolean): DifferenceRank {
  const { height, width } = base;
  const a = sliceValues(base, folded);
  const b = sliceValues(suspect, folded);
  const factor = factorOf(a, b);
  const delta = new Float64Array(a.length);
  let changed = false;
  for (let i = 0; i < a.length; i++) {
    delta[i] = b[i]! - factor * a[i]!;
    if (delta[i] !== 0) changed = true;
  }
  if (!changed) return { kind: "none" };
  if (!allFinite(delta)) return { kind: "noise" };
  const variance = roundingVariance(suspect, folded) + factor * factor * roundingVariance(base, folded);
  const edge = CLEAR_OF_NOISE * Math.sqrt(variance) * (Math.sqrt(height) + Math.sqrt(width));
  const s = spectrum(delta, height, width);
  let rank = 0;
  while (rank < s.length && s[rank]! > edge) rank++;
  let rest = 0;
  for (let i = rank; i < s.length; i++) rest += s[i]! * s[i]!;
  // Each direction that was taken away took its share of the noise along.
  const noise = variance * (height - rank) * (width - rank);
  if (rest > EXPLAINED * noise || rank > Math.min(height, width) / 2) {
    return { kind: standsOut(s, height, width) ? "full" : "noise" };
  }
  if (rank === 0) return { kind: "unresolved" };
  const told = s.subarray(0, Math.min(rank + BEYOND_RANK, MOST_VALUES));
  return { kind: "low", rank, spectrum: Array.from(told, (value) => Number((value / edge).toPrecision(4))) };
}

function spectrum(values: Float64Array, height: number, width: number): Float64Array {
  return height <= width
    ? singularValues(values, height, width)
    : singularValues(transpose(values, height, width), width, height);
}

/** By so much a matrix must be larger or smaller before the factor is taken out: tuning moves it by less. */
const SCALED = 0.1;

/** What B is a multiple of A by, where it is; else 1. */
function factorOf(a: Float32Array, b: Float32Array): number {
  let ab = 0;
  let aa = 0;
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
  }
  const factor = ab / aa;
  return Math.abs(factor - 1) > SCALED && Number.isFinite(factor) ? factor : 1;
}

/** Whether the leading direction lies above what noise as strong as the median singular value would give. */
function standsOut(s: Float64Array, height: number, width: number): boolean {
  const [m, n] = [Math.min(height, width), Math.max(height, width)];
  const sigma = s[m >> 1]! / (medianOfNoise(m / n) * Math.sqrt(n));
  return s[0]! > STRUCTURED * sigma * (Math.sqrt(m) + Math.sqrt(n));
}

/** Mean square rounding error of a slice: step^2 / 12, averaged over its blocks. */
function roundingVariance({ scale, gain }: Slice, folded: boolean): number {
  let sum = 0;
  for (const step of scale) sum += step * step;
  let square = 1;
  if (folded && gain !== null) square = gain.reduce((total, g) => total + g * g, 0) / gain.length;
  return (square * sum) / scale.length / 12;
}

function transpose(values: Float64Array, height: number, width: number): Float64Array {
  const out = new Float64Array(values.length);
  for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) out[j * height + i] = values[i * width + j]!;
  return out;
}
