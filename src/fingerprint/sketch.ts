import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { levelsOnGrid } from "../numerics/grid.ts";
import { type Prng, prng } from "../numerics/prng.ts";
import type { RowReader } from "../rows/row-reader.ts";
import type { MatrixSketch } from "./fingerprint.ts";
import { isUsable, packRows } from "./pack-row.ts";
import { columnOrder, distinctShare, rowNormSpread, sampleMoments } from "./sample-moments.ts";
import { indexedByTokens, sampledRows } from "./sampling.ts";
import { digestValues } from "./value-digest.ts";

/** A sketch whose zeros have no sign yet. */
export interface UntossedSketch {
  readonly sketch: MatrixSketch;
  /** Where a usable row has a zero (or a gain that is no number), laid out as `sketch.bits`; null when nowhere. */
  readonly ties: Uint32Array | null;
}

/** Which rows of a matrix are sketched. */
export function sketchRows(matrix: CanonicalTensor): number[] {
  return sampledRows({ ...matrix, tokens: indexedByTokens(matrix) });
}

/** Sketch of one matrix: reads its sampled rows, nothing else. */
export async function sketchMatrix(reader: RowReader, matrix: CanonicalTensor): Promise<UntossedSketch> {
  const tokens = indexedByTokens(matrix);
  const sampled = sketchRows(matrix);
  const raw = await reader.rows(matrix, sampled);
  const gain = await reader.gain(matrix.gain, matrix.cols);
  const digest = digestValues(raw);
  const words = Math.ceil(matrix.cols / 32);
  const { negative: bits, ties } = packRows(raw, matrix.cols, gain);
  const valid = sampled.map((_, i) => isUsable(raw, i, matrix.cols));
  valid.forEach((usable, i) => {
    if (usable) return;
    bits.fill(0, i * words, (i + 1) * words);
    ties.fill(0, i * words, (i + 1) * words);
  });
  const sketch = {
    component: matrix.stack,
    layer: matrix.layer,
    expert: matrix.expert,
    role: matrix.role,
    rows: matrix.rows,
    cols: matrix.cols,
    axis: matrix.axis,
    block: matrix.block,
    given: matrix.given ?? false,
    twin: matrix.twin ?? false,
    tokens,
    sampled,
    valid,
    bits,
    digest,
    moments: {
      ...sampleMoments(raw),
      grid: gridOf(raw, matrix.cols),
      rowNormSpread: rowNormSpread(raw, matrix.cols),
      columnOrder: columnOrder(raw, matrix.cols, gain),
      distinct: distinctShare(raw, matrix.cols),
    },
  };
  return { sketch, ties: ties.some((word) => word !== 0) ? ties : null };
}

/**
 * Gives every zero the sign of a coin. The coins are seeded by the model as a whole: equal models toss alike, but two
 * unrelated ones that have zeros in the same places do not, not even where both keep one and the same sparse matrix
 * (an identity, say), which a seed from the matrix alone would turn into perfect agreement.
 */
export function tossCoins({ sketch, ties }: UntossedSketch, root: string): void {
  if (ties === null) return;
  const words = Math.ceil(sketch.cols / 32);
  for (let i = 0; i < sketch.sampled.length; i++) {
    let coins: Prng | null = null;
    for (let w = i * words; w < (i + 1) * words; w++) {
      if (ties[w] === 0) continue;
      coins ??= prng(`${root}/${sketch.digest.f32}/${i}`);
      sketch.bits[w]! |= ties[w]! & coins.uint32();
    }
  }
}

/** Group sizes that quantisers use along a row, the largest first. */
const GROUPS = [128, 64, 32];

/** The largest group size whose first groups all lie on evenly spaced levels, with the bits those need. */
function gridOf(raw: Float32Array, cols: number): string | null {
  for (const group of [cols, ...GROUPS.filter((g) => g < cols)]) {
    let levels = 0;
    let found = 0;
    const groups = Math.min(8, Math.floor(raw.length / cols));
    for (let g = 0; g < groups; g++) {
      const grid = levelsOnGrid(raw.subarray(g * cols, g * cols + group));
      if (grid === null) break;
      levels = Math.max(levels, grid.levels);
      found++;
    }
    if (groups > 0 && found === groups) {
      const label = group === cols ? "rows" : `groups of ${group}${group === GROUPS[0] ? " or more" : ""}`;
      return `${levels <= 16 ? 4 : 8}-bit grid, ${label}`;
    }
  }
  return null;
}
