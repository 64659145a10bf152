import { matmul } from "../kernels/matmul.ts";
import { dot, fitLinear, RIDGE } from "../numerics/least-squares.ts";

/**
 * Of the rows of a head the first `rotaryRows` turn in planes, (i, i + rotaryRows / 2) or (2 i, 2 i + 1); every other row stands
 * alone.
 */
export interface RotaryRows {
  readonly rotaryRows: number;
  readonly pairing: "half" | "adjacent";
}

/**
 * How the rows of one head are mixed. `rows` and `dual` are headSize x headSize: reference rows are `rows` times the
 * suspect's for what is stored (k, v), and `dual` times it for what meets them in a product (q for k, columns of o for v).
 * Positive factors of single rows are left out.
 */
export type HeadMix =
  | { readonly kind: "signs"; readonly from: Int32Array; readonly signs: Int8Array }
  | { readonly kind: "planes" | "dense"; readonly rows: Float32Array; readonly dual: Float32Array };

export interface HeadFit {
  readonly mix: HeadMix;
  /** Share of the reference's squares that the fit leaves, corrected for its freedom; 0 for a copy, 1 for strangers. */
  readonly residual: number;
}

/** Where two descriptions are this good there is nothing to gain from the freer one. */
const GOOD = 0.02;
/** A freer description must leave this share of what the plainer one leaves. */
const BETTER = 0.6;
/**
 * Penalty of the dual fit against the noise that the direct one found: rows of trained heads are nearly dependent, and
 * what noise does to their weak directions would be multiplied into every column of the output projection.
 */
const NOISE_PENALTY = 0.5;

/** Unit rows and their lengths before. */
interface UnitRows {
  readonly values: Float64Array;
  readonly lengths: Float64Array;
}

/**
 * The plainest map from the suspect's head to the reference's that explains it, both [size x cols] as projected: rows in
 * some order with signs, planes of rotary positions turned and stretched (`keys` says which rows belong together; null
 * for values, which have none), or any linear map.
 */
export function fitHead(
  reference: Float32Array,
  suspect: Float32Array,
  size: number,
  keys: RotaryRows | null,
): HeadFit {
  const cols = reference.length / size;
  const ref = unitRows(reference, size, cols);
  const sus = unitRows(suspect, size, cols);
  const corr = correlations(ref.values, sus.values, size, cols);
  let best = bySigns(corr, size);
  if (best.residual <= GOOD) return best;
  for (const pairs of keys === null ? [] : pairings(keys, size)) {
    const fit = byPlanes(ref, sus, pairs, corr);
    if (fit.residual < BETTER * best.residual) best = fit;
  }
  // Rows that rotate with their position can be mixed in their plane only: freedom beyond that would fit noise.
  const turning = keys !== null && keys.rotaryRows === size;
  if (best.residual <= GOOD || turning || cols < 1.5 * size) return best;
  const fit = byAnything(ref, sus, size, cols);
  return fit !== null && fit.residual < BETTER * best.residual ? fit : best;
}

function unitRows(rows: Float32Array, size: number, cols: number): UnitRows {
  const values = Float64Array.from(rows);
  const lengths = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const row = values.subarray(i * cols, (i + 1) * cols);
    lengths[i] = Math.sqrt(dot(row, row));
    if (lengths[i]! > 0) for (let j = 0; j < cols; j++) row[j]! /= lengths[i]!;
  }
  return { values, lengths };
}

/** Products of all rows with all rows: size x size. */
function correlations(a: Float64Array, b: Float64Array, size: number, cols: number): Float64Array {
  const shape = { rows: size, depth: cols, columns: size, transposedB: true };
  return Float64Array.from(matmul(Float32Array.from(a), Float32Array.from(b), shape));
}

/** Rows taken one for one, largest correlation first. */
function bySigns(corr: Float64Array, size: number): HeadFit {
  const from = new Int32Array(size).fill(-1);
  const signs = new Int8Array(size).fill(1);
  const taken = new Uint8Array(size);
  let left = 0;
  // In rounds: every free reference row asks for its best free row; whom several ask takes the closest.
  for (let open = size; open > 0; ) {
    const asked = new Int32Array(size).fill(-1);
    for (let i = 0; i < size; i++) {
      if (from[i]! >= 0) continue;
      let best = -1;
      for (let k = 0; k < size; k++) {
        if (taken[k] === 1) continue;
        const value = Math.abs(corr[i * size + k]!) + (k === i ? 1e-9 : 0);
        if (best < 0 || value > Math.abs(corr[i * size + best]!) + (best === i ? 1e-9 : 0)) best = k;
      }
      const rival = asked[best]!;
      if (rival < 0 || Math.abs(corr[i * size + best]!) > Math.abs(corr[rival * size + best]!)) asked[best] = i;
    }
    asked.forEach((i, k) => {
      if (i < 0) return;
      from[i] = k;
      taken[k] = 1;
      signs[i] = corr[i * size + k]! < 0 ? -1 : 1;
      left += 1 - corr[i * size + k]! ** 2;
      open--;
    });
  }
  return { mix: { kind: "signs", from, signs }, residual: left / size };
}

type Pair = readonly [referenceA: number, referenceB: number, suspectA: number, suspectB: number];

/** Rows that turn together, in the reference and in the suspect, whose planes may be stored the other way. */
function pairings({ rotaryRows, pairing }: NonNullable<RotaryRows | null>, size: number): readonly (readonly Pair[])[] {
  if (rotaryRows < 2 || rotaryRows > size || rotaryRows % 2 !== 0) return [];
  const half = rotaryRows / 2;
  const place = (kind: "half" | "adjacent", i: number): [number, number] =>
    kind === "half" ? [i, i + half] : [2 * i, 2 * i + 1];
  return (["half", "adjacent"] as const).map((stored) =>
    Array.from({ length: half }, (_, i): Pair => [...place(pairing, i), ...place(stored, i)]),
  );
}

function byPlanes(ref: UnitRows, sus: UnitRows, pairs: readonly Pair[], corr: Float64Array): HeadFit {
  const size = ref.lengths.length;
  const cols = ref.values.length / size;
  const rows = new Float32Array(size * size);
  const dual = new Float32Array(size * size);
  let left = 0;
  const alone = new Set(Array.from({ length: size }, (_, i) => i));
  for (const [a, b, p, q] of pairs) {
    alone.delete(a);
    alone.delete(b);
    const pick = (of: UnitRows, i: number, j: number): Float64Array => {
      const out = new Float64Array(2 * cols);
      out.set(of.values.subarray(i * cols, (i + 1) * cols));
      out.set(of.values.subarray(j * cols, (j + 1) * cols), cols);
      return out;
    };
    const [x, y] = [pick(sus, p, q), pick(ref, a, b)];
    const forward = fitLinear(x, y, 2, cols);
    const backward = fitLinear(y, x, 2, cols);
    if (forward === null || backward === null) {
      left += 2;
      continue;
    }
    left += forward.residuals[0]! + forward.residuals[1]!;
    const places = [
      [a, p, 0, 0],
      [a, q, 0, 1],
      [b, p, 1, 0],
      [b, q, 1, 1],
    ] as const;
    for (const [i, k, r, c] of places) {
      rows[i * size + k] = forward.matrix[2 * r + c]! * inverse(sus.lengths[k]!);
      dual[i * size + k] = backward.matrix[2 * c + r]! * sus.lengths[k]!;
    }
  }
  for (const i of alone) {
    const value = corr[i * size + i]!;
    left += 1 - value * value;
    const sign = value < 0 ? -1 : 1;
    rows[i * size + i] = sign * inverse(sus.lengths[i]!);
    dual[i * size + i] = sign * sus.lengths[i]!;
  }
  return { mix: { kind: "planes", rows, dual }, residual: left / size / (1 - 2 / Math.max(cols, 3)) };
}

function byAnything(ref: UnitRows, sus: UnitRows, size: number, cols: number): HeadFit | null {
  const forward = fitLinear(sus.values, ref.values, size, cols);
  if (forward === null) return null;
  const left = forward.residuals.reduce((a, b) => a + b, 0) / size;
  const backward = fitLinear(ref.values, sus.values, size, cols, Math.max(RIDGE, NOISE_PENALTY * left));
  if (backward === null) return null;
  const rows = new Float32Array(size * size);
  const dual = new Float32Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      rows[i * size + k] = forward.matrix[i * size + k]! * inverse(sus.lengths[k]!);
      dual[i * size + k] = backward.matrix[k * size + i]! * sus.lengths[k]!;
    }
  }
  return { mix: { kind: "dense", rows, dual }, residual: left / (1 - size / cols) };
}

function inverse(x: number): number {
  return x > 0 ? 1 / x : 0;
}

/** The suspect's rows of one head [size x cols] as the reference has them. */
export function mixRows(mix: HeadMix, side: "rows" | "dual", suspect: Float32Array, size: number): Float32Array {
  const cols = suspect.length / size;
  const out = new Float32Array(suspect.length);
  for (let i = 0; i < size; i++) {
    const to = out.subarray(i * cols, (i + 1) * cols);
    for (let k = 0; k < size; k++) {
      const factor = mix.kind === "signs" ? (mix.from[i] === k ? mix.signs[i]! : 0) : mix[side][i * size + k]!;
      if (factor === 0) continue;
      const row = suspect.subarray(k * cols, (k + 1) * cols);
      for (let j = 0; j < cols; j++) to[j]! += factor * row[j]!;
    }
  }
  return out;
}
