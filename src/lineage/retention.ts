import type { Sketch, Slice } from "../fingerprint/fingerprint.ts";
import { allFinite, sliceValues } from "../fingerprint/slice.ts";
import { singularValues, thinSvd } from "../numerics/svd.ts";
import { leadingTriples, structureOf } from "./base-slice.ts";

/** Leading singular pairs that count as what training put there. */
const TOP = 8;
/** rho_bulk below this many standard errors says nothing. */
const MIN_BULK_SIGMA = 4;
/** Singular values this far above the edge of pure rounding noise are structure. */
const CLEAR_OF_NOISE = 1.5;

/** Between R = .97-1.12 of derivatives and R <= .48 of siblings that are still alike (r >= .15); see docs/method.md. */
export const RETENTION_THRESHOLD = 0.7;

/** How much of a base slice's learned directions, and of its bulk, is left in the suspect's slice. */
export interface SliceRetention {
  readonly role: string;
  readonly layer: number;
  readonly top: number;
  readonly bulk: number;
  /** Leading singular value of the base's slice over the edge of noise: above 1 where training left its mark. */
  readonly structure: number;
  /** top / bulk, or null where the bulk is below its noise. */
  readonly ratio: number | null;
  /** Regression coefficient of suspect on base, and of base on suspect. */
  readonly scale: number;
  readonly reverseScale: number;
  /** |B - scale A| / |scale A|. */
  readonly drift: number;
  /** Numerical rank of B - A when it is low and stands clear of rounding, else null; 0 when there is no difference. */
  readonly rank: number | null;
}

/**
 * Retention of slice `base` in slice `suspect` (same matrix, rows and columns). For base = U S V^T and k = 8:
 * rho_top = sum_{i<=k} s_i u_i^T B v_i / sum_{i<=k} s_i^2, rho_bulk the same of the rest.
 */
export function sliceRetention(
  suspect: Slice,
  base: Slice,
  matrix: Pick<Sketch, "role" | "layer">,
): SliceRetention | null {
  const folded = suspect.gain !== null && base.gain !== null;
  const a = sliceValues(base, folded);
  const b = sliceValues(suspect, folded);
  // Scales and gains are finite, their products need not be: a hostile file decides them.
  if (!allFinite(a) || !allFinite(b)) return null;
  const { height, width } = base;
  const k = Math.min(TOP, Math.floor(height / 4));
  const { s, u, vt } = leadingTriples(base, folded, () => thinSvd(a, height, width, k));
  let topEnergy = 0;
  let topInner = 0;
  for (let i = 0; i < k; i++) {
    topEnergy += s[i]! * s[i]!;
    topInner += s[i]! * bilinear(u, vt, b, i, { height, width, count: k });
  }
  let aa = 0;
  let bb = 0;
  let ab = 0;
  for (let i = 0; i < a.length; i++) {
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
    ab += a[i]! * b[i]!;
  }
  const bulkEnergy = aa - topEnergy;
  if (k === 0 || !(topEnergy > 0) || !(bulkEnergy > 0) || !(bb > 0)) return null;
  const top = topInner / topEnergy;
  const bulk = (ab - topInner) / bulkEnergy;
  const noise = Math.sqrt(bb / (height * width) / bulkEnergy);
  const scale = ab / aa;
  const residual = Math.max(0, bb - (ab * ab) / aa);
  let rank: number | null | undefined;
  return {
    role: matrix.role,
    layer: matrix.layer,
    top,
    bulk,
    structure: structureOf(base),
    ratio: Math.abs(bulk) > MIN_BULK_SIGMA * noise ? top / bulk : null,
    scale,
    reverseScale: ab / bb,
    drift: scale === 0 ? Number.POSITIVE_INFINITY : Math.sqrt(residual / aa) / Math.abs(scale),
    // Many are never asked for: one difference of full rank is no adapter, whatever the others are.
    get rank() {
      if (rank === undefined) rank = differenceRank(suspect, base);
      return rank;
    },
  };
}

/** u_i^T B v_i. `u` is height x count row-major with u_i in column i; `vt` is count x width with v_i in row i. */
function bilinear(
  u: Float64Array,
  vt: Float64Array,
  b: Float32Array,
  i: number,
  { height, width, count }: { readonly height: number; readonly width: number; readonly count: number },
): number {
  let sum = 0;
  const at = i * width;
  const whole = height - (height % 4);
  // Four rows at a time: one sum waits for itself, four do not wait for each other.
  for (let r = 0; r < whole; r += 4) {
    const first = r * width;
    let [d0, d1, d2, d3] = [0, 0, 0, 0];
    for (let c = 0; c < width; c++) {
      const v = vt[at + c]!;
      d0 += b[first + c]! * v;
      d1 += b[first + width + c]! * v;
      d2 += b[first + 2 * width + c]! * v;
      d3 += b[first + 3 * width + c]! * v;
    }
    sum += u[r * count + i]! * d0;
    sum += u[(r + 1) * count + i]! * d1;
    sum += u[(r + 2) * count + i]! * d2;
    sum += u[(r + 3) * count + i]! * d3;
  }
  for (let r = whole; r < height; r++) {
    let dot = 0;
    for (let c = 0; c < width; c++) dot += b[r * width + c]! * vt[at + c]!;
    sum += u[r * count + i]! * dot;
  }
  return sum;
}

/**
 * Rank of B - A before folding: singular values above the edge sigma (sqrt(rows) + sqrt(cols)) of the int8 rounding of
 * both slices. A rank that fills half the slice is no low rank.
 */
function differenceRank(suspect: Slice, base: Slice): number | null {
  const { height, width } = base;
  const a = sliceValues(base, false);
  const b = sliceValues(suspect, false);
  const delta = new Float64Array(a.length);
  let changed = false;
  for (let i = 0; i < a.length; i++) {
    delta[i] = b[i]! - a[i]!;
    if (delta[i] !== 0) changed = true;
  }
  if (!changed) return 0;
  if (!allFinite(delta)) return null;
  const sigma = Math.sqrt(roundingVariance(suspect) + roundingVariance(base));
  const edge = CLEAR_OF_NOISE * sigma * (Math.sqrt(height) + Math.sqrt(width));
  const s = singularValues(delta, height, width);
  let rank = 0;
  while (rank < s.length && s[rank]! > edge) rank++;
  return rank <= height / 2 ? rank : null;
}

/** Mean square rounding error of a slice: step^2 / 12, averaged over its blocks. */
function roundingVariance(slice: Slice): number {
  let sum = 0;
  for (const step of slice.scale) sum += step * step;
  return sum / slice.scale.length / 12;
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
