import type { MatrixSketch, Slice } from "../fingerprint/fingerprint.ts";
import { allFinite, sliceValues } from "../fingerprint/slice.ts";
import { type DifferenceRank, differenceRank } from "./difference-rank.ts";
import { arranged, type Departure, departureOf, isRandom, type SliceSpectrum, spectrumOf } from "./slice-spectrum.ts";
import { turnToAgree } from "./turned-slice.ts";

/** Sums over the clear directions of one slice, of which learned retention is a quotient. */
export interface RetentionSums {
  readonly numerator: number;
  readonly denominator: number;
  readonly variance: number;
  /** Clear directions. */
  readonly directions: number;
  /** Share of the initialisation that is left, and the variance of that figure. */
  readonly bulk: number;
  readonly bulkVariance: number;
}

/** What depends on the signs of rows and columns. */
export interface SignedRetention {
  /** Of the base's directions in the suspect, and of the suspect's in the base. */
  readonly forward: RetentionSums;
  readonly backward: RetentionSums;
  /** Regression coefficient of suspect on base, and of base on suspect. */
  readonly scale: number;
  readonly reverseScale: number;
  /** |B - scale A| / |scale A|. */
  readonly drift: number;
}

/** What one slice says of a pair: both ways round, as it lies and with signs turned to agree. */
export interface SliceRetention extends SignedRetention {
  readonly role: string;
  readonly layer: number;
  readonly turned: () => SignedRetention;
  /** Whether both may be of something that began at random; null where that cannot be told. */
  readonly random: boolean | null;
  /** How far either spectrum is from that of noise; null where that cannot be told. */
  readonly departure: { readonly suspect: Departure | null; readonly base: Departure | null };
  /** Rank of B - A, where rounding explains all that lies below it. */
  readonly rank: DifferenceRank;
}

/**
 * Retention of two slices of the same matrix, rows and columns in each other. A trained matrix is its initialisation plus
 * what training wrote; how much of an observed outlying direction is either is known (numerics/marchenko-pastur.ts). With
 * base = U S V^T, learned shares k_i of its clear directions, rho_i = u_i^T B v_i / s_i and b the same over the lower half
 * of the spectrum, rho_i = L k_i + b (1 - k_i) is expected: L is the share of the base's learned part that the suspect has.
 */
export function sliceRetention(
  suspect: Slice,
  base: Slice,
  matrix: Pick<MatrixSketch, "role" | "layer">,
): SliceRetention | null {
  const folded = suspect.gain !== null && base.gain !== null;
  const a = sliceValues(base, folded);
  const b = sliceValues(suspect, folded);
  const [ofBase, ofSuspect] = [spectrumOf(base, folded), spectrumOf(suspect, folded)];
  if (ofBase === null || ofSuspect === null) return null;
  let aa = 0;
  let bb = 0;
  let ab = 0;
  for (let i = 0; i < a.length; i++) {
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
    ab += a[i]! * b[i]!;
  }
  if (!(aa > 0 && bb > 0 && aa < Number.POSITIVE_INFINITY && bb < Number.POSITIVE_INFINITY)) return null;
  const { height, width } = base;
  const forward = sumsOf(ofBase, b, height, width);
  const backward = sumsOf(ofSuspect, a, height, width);
  if (forward === null || backward === null) return null;
  let rank: DifferenceRank | undefined;
  let turned: SignedRetention | undefined;
  return {
    role: matrix.role,
    layer: matrix.layer,
    forward,
    backward,
    ...fitted(ab, aa, bb),
    turned: () => {
      if (turned === undefined) {
        const agreeing = turnToAgree(a, b, height, width);
        const agreed = a.reduce((sum, value, i) => sum + value * agreeing[i]!, 0);
        turned = {
          ...fitted(agreed, aa, bb),
          forward: sumsOf(ofBase, agreeing, height, width) ?? forward,
          backward: sumsOf(ofSuspect, turnToAgree(b, a, height, width), height, width) ?? backward,
        };
      }
      return turned;
    },
    get random() {
      const [first, second] = [isRandom(ofBase), isRandom(ofSuspect)];
      return first === null || second === null ? null : first && second;
    },
    get departure() {
      return { suspect: departureOf(ofSuspect), base: departureOf(ofBase) };
    },
    // Many are never asked for.
    get rank() {
      rank ??= differenceRank(suspect, base);
      return rank;
    },
  };
}

/** Regression of B on A and of A on B, from their products. */
function fitted(ab: number, aa: number, bb: number): Pick<SignedRetention, "scale" | "reverseScale" | "drift"> {
  const scale = ab / aa;
  const residual = Math.max(0, bb - (ab * ab) / aa);
  const drift = scale === 0 ? Number.POSITIVE_INFINITY : Math.sqrt(residual / aa) / Math.abs(scale);
  return { scale, reverseScale: ab / bb, drift };
}

/** Sums over the clear directions of `own`, of what `raw` (height x width, another model's values) has of them. */
function sumsOf(own: SliceSpectrum, raw: Float32Array, height: number, width: number): RetentionSums | null {
  const { m, n, s, u, learned } = own;
  const a = own.values();
  const b = arranged(raw, { ...own, height, width });
  if (!allFinite(b)) return null;
  const cross = crossGram(b, a, m, n);
  const along = (i: number): number => {
    const at = i * m;
    let sum = 0;
    let r = 0;
    // Four rows at a time, added in their order: one sum alone waits for its own last addition.
    for (; r + 3 < m; r += 4) {
      const [first, second, third, fourth] = [r * m, (r + 1) * m, (r + 2) * m, (r + 3) * m];
      let [r0, r1, r2, r3] = [0, 0, 0, 0];
      for (let c = 0; c < m; c++) {
        const x = u[at + c]!;
        r0 += cross[first + c]! * x;
        r1 += cross[second + c]! * x;
        r2 += cross[third + c]! * x;
        r3 += cross[fourth + c]! * x;
      }
      sum += u[at + r]! * r0;
      sum += u[at + r + 1]! * r1;
      sum += u[at + r + 2]! * r2;
      sum += u[at + r + 3]! * r3;
    }
    for (; r < m; r++) {
      let row = 0;
      for (let c = 0; c < m; c++) row += cross[r * m + c]! * u[at + c]!;
      sum += u[at + r]! * row;
    }
    return sum;
  };
  let inner = 0;
  let energy = 0;
  for (let i = m >> 1; i < m; i++) {
    inner += along(i);
    energy += s[i]! * s[i]!;
  }
  if (!(energy > 0)) return null;
  const bulk = inner / energy;
  let rest = 0;
  for (let k = 0; k < a.length; k++) rest += (b[k]! - bulk * a[k]!) ** 2;
  const noise = rest / a.length;
  let numerator = 0;
  let denominator = 0;
  let variance = 0;
  learned.forEach((share, i) => {
    const square = s[i]! * s[i]!;
    numerator += share * (along(i) - square * bulk * (1 - share));
    denominator += share * share * square;
    variance += share * share * square * noise;
  });
  return { numerator, denominator, variance, directions: learned.length, bulk, bulkVariance: noise / energy };
}

/** B A^T (m x m), four rows of A at a time. */
function crossGram(b: Float64Array, a: Float64Array, m: number, n: number): Float64Array {
  const out = new Float64Array(m * m);
  const whole = m - (m % 4);
  for (let r = 0; r < m; r++) {
    const at = r * n;
    for (let c = 0; c < whole; c += 4) {
      const first = c * n;
      let [d0, d1, d2, d3] = [0, 0, 0, 0];
      for (let k = 0; k < n; k++) {
        const x = b[at + k]!;
        d0 += x * a[first + k]!;
        d1 += x * a[first + n + k]!;
        d2 += x * a[first + 2 * n + k]!;
        d3 += x * a[first + 3 * n + k]!;
      }
      const to = r * m + c;
      out[to] = d0;
      out[to + 1] = d1;
      out[to + 2] = d2;
      out[to + 3] = d3;
    }
    for (let c = whole; c < m; c++) {
      let dot = 0;
      for (let k = 0; k < n; k++) dot += b[at + k]! * a[c * n + k]!;
      out[r * m + c] = dot;
    }
  }
  return out;
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
