import type { Fingerprint, Slice } from "../fingerprint/fingerprint.ts";
import { RESIDUAL_ROLES } from "../fingerprint/sampling.ts";
import { SLICE_BLOCK } from "../fingerprint/slice.ts";
import { spearman } from "../numerics/spearman.ts";
import type { Axis } from "./matrix-pair.ts";
import { EMBEDDINGS } from "./pairing.ts";

/** Rank correlation of column norm and column number beyond this many standard errors means sorted labels. */
const SORTED_SIGMA = 4;

/** Rows of a sinusoidal position table all have the norm sqrt(width / 2); learned ones never do to this accuracy. */
const SINUSOIDAL_SPREAD = 0.01;

/**
 * Axes on which the labels of BOTH models are sorted by size (importance-ordered neurons, say): labels are not
 * exchangeable there and a permutation test would see the sorting. Fixed sinusoidal positions order the residual
 * dimensions by frequency from the start, in every model that uses them.
 */
export function sortedAxes(suspect: Fingerprint, base: Fingerprint, component: string): Set<Axis> {
  const sorted = new Set<Axis>();
  for (const axis of ["residual", "neurons"] as const) {
    if (axis === "residual" && [suspect, base].every((fp) => hasSinusoidalPositions(fp, component))) sorted.add(axis);
    if (isSorted(suspect, component, axis) && isSorted(base, component, axis)) sorted.add(axis);
  }
  return sorted;
}

function hasSinusoidalPositions(fp: Fingerprint, component: string): boolean {
  return fp.sketches.some(
    (s) =>
      s.role === "position" &&
      (s.component === component || component === EMBEDDINGS) &&
      s.sampled.length >= 8 &&
      s.moments.rms > 0 &&
      s.moments.rowNormSpread < SINUSOIDAL_SPREAD,
  );
}

function isSorted(fp: Fingerprint, component: string, axis: Axis): boolean {
  const slices = fp.slices.filter(({ sketch }) => {
    const matrix = fp.sketches[sketch]!;
    return (
      matrix.component === component && (axis === "neurons" ? matrix.role === "down" : RESIDUAL_ROLES.has(matrix.role))
    );
  });
  // Neurons of different layers are different labels: every layer must be sorted by itself to count.
  const groups = axis === "neurons" ? slices.map((s) => [s]) : slices.length > 0 ? [slices] : [];
  return groups.length > 0 && groups.every((group) => sortedColumns(group));
}

function sortedColumns(slices: readonly Slice[]): boolean {
  const width = slices[0]!.width;
  const energy = new Float64Array(width);
  for (const slice of slices) {
    if (slice.width !== width) continue;
    const blocks = Math.ceil(width / SLICE_BLOCK);
    for (let i = 0; i < slice.height; i++) {
      for (let block = 0; block < blocks; block++) {
        const step = slice.scale[i * blocks + block]!;
        const end = Math.min(width, (block + 1) * SLICE_BLOCK);
        for (let j = block * SLICE_BLOCK; j < end; j++) {
          const x = slice.q[i * width + j]! * step;
          energy[j]! += x * x;
        }
      }
    }
  }
  return Math.abs(spearman(energy)) > SORTED_SIGMA / Math.sqrt(width);
}
