import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { levelsOnGrid } from "../numerics/grid.ts";
import { type Prng, prng } from "../numerics/prng.ts";
import type { SampleMoments, Sketch } from "./fingerprint.ts";
import type { RowReader } from "./row-reader.ts";
import { indexedByTokens, sampledRows } from "./sampling.ts";
import { digestValues } from "./value-digest.ts";

const QUANTILES = 17;
const QUANTILE_SAMPLE = 4096;

/** A sketch whose zeros have no sign yet. */
export interface UntossedSketch {
  readonly sketch: Sketch;
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
  const bits = new Uint32Array(sampled.length * words);
  const ties = new Uint32Array(bits.length);
  const valid: boolean[] = [];
  for (let i = 0; i < sampled.length; i++) {
    const row = raw.subarray(i * matrix.cols, (i + 1) * matrix.cols);
    const usable = isUsable(row);
    valid.push(usable);
    if (!usable) continue;
    const [from, to] = [i * words, (i + 1) * words];
    packRow(row, gain, bits.subarray(from, to), ties.subarray(from, to));
  }
  const sketch = {
    component: matrix.component,
    layer: matrix.layer,
    expert: matrix.expert,
    role: matrix.role,
    rows: matrix.rows,
    cols: matrix.cols,
    tokens,
    sampled,
    valid,
    bits,
    digest,
    moments: { ...sampleMoments(raw), grid: gridOf(raw, matrix.cols), rowNormSpread: rowNormSpread(raw, matrix.cols) },
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

/** A row with a value that is not finite, or with one value only, says nothing about labels. */
function isUsable(row: Float32Array): boolean {
  const first = row[0]!;
  let varies = false;
  for (let j = 0; j < row.length; j++) {
    const x = row[j]!;
    if (!Number.isFinite(x)) return false;
    if (x !== first) varies = true;
  }
  return varies;
}

function packRow(row: Float32Array, gain: Float32Array | null, signs: Uint32Array, ties: Uint32Array): void {
  for (let j = 0; j < row.length; j++) {
    const x = gain === null ? row[j]! : row[j]! * Math.sign(gain[j]!);
    if (x < 0) signs[j >>> 5]! |= 1 << (j & 31);
    else if (!(x > 0)) ties[j >>> 5]! |= 1 << (j & 31);
  }
}

/** Group sizes that quantisers use along a row; the whole row last. */
const GROUPS = [32, 64, 128];

/** The smallest group size whose first groups all lie on evenly spaced levels, with the bits those need. */
function gridOf(raw: Float32Array, cols: number): string | null {
  for (const group of [...GROUPS.filter((g) => g < cols), cols]) {
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
      const label = group === cols ? "rows" : `groups of at most ${group}`;
      return `${levels <= 16 ? 4 : 8}-bit grid, ${label}`;
    }
  }
  return null;
}

function rowNormSpread(raw: Float32Array, cols: number): number {
  const norms: number[] = [];
  for (let i = 0; i < raw.length; i += cols) {
    let square = 0;
    for (let j = i; j < i + cols; j++) square += raw[j]! * raw[j]!;
    // A class token may stand in a position table as a row of zeros.
    if (square > 0) norms.push(Math.sqrt(square));
  }
  const mean = norms.reduce((a, b) => a + b, 0) / norms.length;
  const variance = norms.reduce((sum, x) => sum + (x - mean) ** 2, 0) / norms.length;
  const spread = Math.sqrt(variance) / mean;
  return Number.isFinite(spread) ? Math.fround(spread) : 0;
}

/** In f32, as the file keeps them: a fresh fingerprint and a stored one say the same. */
function sampleMoments(values: Float32Array): Omit<SampleMoments, "grid" | "rowNormSpread"> {
  let zeros = 0;
  let count = 0;
  let second = 0;
  let fourth = 0;
  let peak = 0;
  // By index: an iterator costs as much as the arithmetic, and this sees every sampled value.
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (size > peak && size < Number.POSITIVE_INFINITY) peak = size;
  }
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (!Number.isFinite(x)) continue;
    count++;
    if (x === 0) zeros++;
    const y = peak > 0 ? x / peak : 0;
    second += y * y;
    fourth += y * y * y * y;
  }
  const stride = Math.max(1, Math.floor(values.length / QUANTILE_SAMPLE));
  const sample = new Float32Array(Math.floor(values.length / stride));
  for (let i = 0; i < sample.length; i++) sample[i] = values[i * stride]!;
  const finite = sample.filter(Number.isFinite).sort();
  const quantiles = new Float32Array(QUANTILES);
  for (let i = 0; i < QUANTILES && finite.length > 0; i++) {
    quantiles[i] = finite[Math.floor((i * (finite.length - 1)) / (QUANTILES - 1))]!;
  }
  return {
    rms: count > 0 ? Math.fround(peak * Math.sqrt(second / count)) : 0,
    kurtosis: second > 0 ? Math.fround((count * fourth) / (second * second)) : 0,
    zeroFraction: count > 0 ? Math.fround(zeros / count) : 0,
    quantiles,
  };
}
