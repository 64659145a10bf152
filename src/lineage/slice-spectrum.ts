import type { Slice } from "../fingerprint/fingerprint.ts";
import { allFinite, sliceValues } from "../fingerprint/slice.ts";
import { symmetricEigen } from "../numerics/eigen.ts";
import { medianOfNoise, quantileOfNoise, signalShare } from "../numerics/marchenko-pastur.ts";
import { gram } from "../numerics/svd.ts";

/** A singular value this far above the edge of noise is a direction that training wrote; noise alone stays below 1.02. */
const CLEAR = 1.08;
/** Directions looked at: more than the upper third of a spectrum is no low-rank part of it. */
const MAX_DIRECTIONS = 16;
const ROUNDS = 2;

/** What is computed of a slice whatever it is held against, after rows and columns were brought to unit RMS. */
export interface SliceSpectrum {
  /** The shorter side first: m x n, m <= n; transposed where the slice is tall. */
  readonly m: number;
  readonly n: number;
  readonly transposed: boolean;
  /** Factors that bring rows and columns (of the slice as it lies) to unit RMS. */
  readonly rowScale: Float64Array;
  readonly colScale: Float64Array;
  /** Normalised values, m x n. */
  readonly values: () => Float64Array;
  /** m singular values, descending, and left singular vectors (row i = u_i). */
  readonly s: Float64Array;
  readonly u: Float64Array;
  /** Per clear direction the share of it that was learned, the rest being initialisation. */
  readonly learned: readonly number[];
}

const known = new WeakMap<Slice, { folded?: SliceSpectrum | null; plain?: SliceSpectrum | null }>();

/** Computed once per slice, with the norm gain folded in or without; null when values are not finite or all zero. */
export function spectrumOf(slice: Slice, folded: boolean): SliceSpectrum | null {
  let kept = known.get(slice);
  if (kept === undefined) {
    kept = {};
    known.set(slice, kept);
  }
  const kind = folded ? "folded" : "plain";
  if (kept[kind] === undefined) kept[kind] = compute(slice, folded);
  return kept[kind]!;
}

function compute(slice: Slice, folded: boolean): SliceSpectrum | null {
  const { height, width } = slice;
  const raw = sliceValues(slice, folded);
  // Scales and gains are finite, their products need not be: a hostile file decides them.
  if (!allFinite(raw)) return null;
  const rowScale = new Float64Array(height).fill(1);
  const colScale = new Float64Array(width).fill(1);
  for (let round = 0; round < ROUNDS; round++) {
    normalise(raw, height, width, rowScale, colScale, true);
    normalise(raw, height, width, rowScale, colScale, false);
  }
  const transposed = height > width;
  const [m, n] = transposed ? [width, height] : [height, width];
  const values = (): Float64Array =>
    arranged(sliceValues(slice, folded), { height, width, transposed, rowScale, colScale });
  const product = gram(values(), m, n);
  if (!allFinite(product)) return null;
  const { values: squares, vectors } = symmetricEigen(product, m);
  const s = squares.map((x) => Math.sqrt(Math.max(0, x)));
  return { m, n, transposed, rowScale, colScale, values, s, u: vectors, learned: learnedShares(s, m, n) };
}

function learnedShares(s: Float64Array, m: number, n: number): number[] {
  const g = m / n;
  const sigma = (m % 2 === 1 ? s[m >> 1]! : (s[m / 2 - 1]! + s[m / 2]!) / 2) / (medianOfNoise(g) * Math.sqrt(n));
  const edge = sigma * (Math.sqrt(m) + Math.sqrt(n));
  const shares: number[] = [];
  for (let i = 0; i < Math.min(MAX_DIRECTIONS, Math.floor(m / 3)); i++) {
    if (!(s[i]! > CLEAR * edge)) break;
    shares.push(signalShare(s[i]! / (sigma * Math.sqrt(n)), g));
  }
  return shares;
}

/** Lines of which a spectrum must have so many to be judged. */
const MIN_SPECTRUM = 16;
/** Shares at which a spectrum is held against that of noise, on either side of its median. */
const LOW = 0.2;
const HIGH = 0.8;
/** Of the way from the median down that noise has: less is flat, as bases of a transform are; */
const LEAST_FALL = 0.4;
/** of the height that noise has there: less is smooth, as tables and filters are; and so is a steeper rise above the median. */
const LEAST_LOW = 0.25;
const MOST_HIGH = 3;
const MOST_ZEROS = 0.5;

/**
 * Whether a slice may be of something that began at random, by its spectrum and its zeros; null where it is too narrow to tell.
 * The band is wide: what training writes is not to be taken for a formula.
 */
export function isRandom({ m, n, s, values }: SliceSpectrum): boolean | null {
  if (m < MIN_SPECTRUM) return null;
  const at = (share: number): number => s[Math.min(m - 1, Math.round((1 - share) * m))]! / s[m >> 1]!;
  const [low, high] = [at(LOW), at(HIGH)];
  const expected = quantileOfNoise(m / n, LOW) / medianOfNoise(m / n);
  const isFlat = 1 - low < LEAST_FALL * (1 - expected);
  const zeros = values().reduce((count, x) => count + Number(x === 0), 0);
  return !isFlat && low >= LEAST_LOW * expected && high <= MOST_HIGH && zeros <= MOST_ZEROS * m * n;
}

/** Quantiles at which the body of a spectrum is held against that of noise: nothing is asked of the directions above it. */
const BODY = [0.1, 0.2, 0.3, 0.4, 0.6, 0.7];

/** How far the body of a spectrum lies from that of noise of its shape, both by their medians. */
export interface Departure {
  /** The largest logarithm of a quotient of quantiles, either way. */
  readonly size: number;
  /** The quotient at the lower fifth: above 1 where a spectrum is flatter than noise. */
  readonly low: number;
}

/** Null where a slice is too narrow to tell. */
export function departureOf({ m, n, s }: SliceSpectrum): Departure | null {
  if (m < MIN_SPECTRUM) return null;
  const median = s[m >> 1]!;
  const quotient = (share: number): number => {
    const expected = quantileOfNoise(m / n, share) / medianOfNoise(m / n);
    return s[Math.min(m - 1, Math.round((1 - share) * m))]! / median / expected;
  };
  // Without a lower half nothing of a start is there: the logarithm is as large as they come.
  return { size: Math.max(...BODY.map((share) => Math.abs(Math.log(quotient(share))))), low: quotient(LOW) };
}

export interface Arrangement {
  readonly height: number;
  readonly width: number;
  readonly transposed: boolean;
  readonly rowScale: Float64Array;
  readonly colScale: Float64Array;
}

/** The values of a slice scaled, and laid with the shorter side first. */
export function arranged(
  raw: Float32Array,
  { height, width, transposed, rowScale, colScale }: Arrangement,
): Float64Array {
  const out = new Float64Array(raw.length);
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      out[transposed ? j * height + i : i * width + j] = raw[i * width + j]! * rowScale[i]! * colScale[j]!;
    }
  }
  return out;
}

/** One step towards unit RMS of rows, or of columns; lines of zeros stay. */
function normalise(
  raw: Float32Array,
  height: number,
  width: number,
  rowScale: Float64Array,
  colScale: Float64Array,
  rows: boolean,
): void {
  const lines = rows ? rowScale : colScale;
  const energy = new Float64Array(lines.length);
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) energy[rows ? i : j]! += (raw[i * width + j]! * rowScale[i]! * colScale[j]!) ** 2;
  }
  const length = rows ? width : height;
  for (let k = 0; k < lines.length; k++) if (energy[k]! > 0) lines[k]! *= Math.sqrt(length / energy[k]!);
}
