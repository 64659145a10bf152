import { matmul } from "../kernels/matmul.ts";
import { polarFactor } from "../numerics/polar.ts";
import type { Residual } from "./residual.ts";
import { centreColumns } from "./tokens.ts";

/** Correlation of a column with its image that a permutation leaves even after noise as large as the weights. */
const SAME_COLUMN = 0.5;
/** How much better than the next candidate, where columns are to be found elsewhere than in their place. */
const MARGIN = 1.5;
/** In its place a column may be this little worse than another: small models have columns that repeat each other. */
const TIE = 0.06;
/** Share of columns that must find their image for the others to be taken for lost in noise. */
const MOST = 0.8;
const NEARLY_ALL = 0.97;
/** Entry of an orthogonal map that leaves no other entry of its column half as much energy. */
const DOMINANT = 0.75;
/** An orthogonal basis change of this many coordinates takes 1 GB; wider streams are only searched for permutations. */
const MAX_ROTATED_WIDTH = 8192;

/**
 * The map between two residual streams from rows of equal tokens, [count x width] each: nothing or a signed permutation
 * where columns find their image, else the orthogonal map that brings the rows closest (Schoenemann 1966), which is
 * taken for a signed permutation when it nearly is one.
 */
export function findResidual(reference: Float32Array, suspect: Float32Array, width: number): Residual {
  const count = reference.length / width;
  const a = transposed(normaliseColumns(centreColumns(suspect.slice(), width), width), width);
  const b = normaliseColumns(centreColumns(reference.slice(), width), width);
  // Element (i, j): correlation of column i of the suspect with column j of the reference.
  const correlations = matmul(a, b, { rows: width, depth: count, columns: width });
  const permutation = inPlace(correlations, width) ?? signedPermutation(correlations, width, SAME_COLUMN);
  if (permutation !== null) return permutation;
  if (width > MAX_ROTATED_WIDTH) return { kind: "none" };
  const cross = matmul(transposed(suspect, width), reference, { rows: width, depth: count, columns: width });
  const transform = polarFactor(cross, width);
  if (transform === null) return { kind: "none" };
  return signedPermutation(transform, width, DOMINANT) ?? { kind: "orthogonal", transform };
}

/** Every column where it was, with its sign or the other; null where too many are not. */
function inPlace(correlations: Float32Array, width: number): Residual | null {
  const signs = new Int8Array(width).fill(1);
  let clear = 0;
  for (let j = 0; j < width; j++) {
    let best = 0;
    for (let i = 0; i < width; i++) best = Math.max(best, Math.abs(correlations[i * width + j]!));
    const own = correlations[j * width + j]!;
    if (own < 0) signs[j] = -1;
    if (Math.abs(own) >= SAME_COLUMN && Math.abs(own) >= best - TIE) clear++;
  }
  if (clear < NEARLY_ALL * width) return null;
  if (signs.every((sign) => sign === 1)) return { kind: "none" };
  return { kind: "signed-permutation", from: Uint32Array.from(signs.keys()), signs };
}

/** Null unless most columns have one clear image of their own. */
function signedPermutation(correlations: Float32Array, width: number, enough: number): Residual | null {
  const from = new Int32Array(width).fill(-1);
  const taken = new Uint8Array(width);
  let clear = 0;
  for (let j = 0; j < width; j++) {
    let best = 0;
    let next = 0;
    let image = -1;
    for (let i = 0; i < width; i++) {
      const size = Math.abs(correlations[i * width + j]!);
      if (size > best) {
        next = best;
        best = size;
        image = i;
      } else if (size > next) next = size;
    }
    if (image < 0 || best < enough || best < MARGIN * next || taken[image] === 1) continue;
    from[j] = image;
    taken[image] = 1;
    clear++;
  }
  if (clear < MOST * width) return null;
  const free = [...taken.keys()].filter((i) => taken[i] === 0);
  for (let j = 0; j < width; j++) {
    if (from[j]! >= 0) continue;
    // In its own place if that is free, else wherever the correlation is largest.
    const size = (i: number): number => (i === j ? 2 : Math.abs(correlations[i * width + j]!));
    const pick = free.reduce((best, i) => (size(i) > size(best) ? i : best), free[0]!);
    free.splice(free.indexOf(pick), 1);
    from[j] = pick;
  }
  const signs = Int8Array.from(from, (i, j) => (correlations[i * width + j]! < 0 ? -1 : 1));
  if (from.every((i, j) => i === j) && signs.every((sign) => sign === 1)) return { kind: "none" };
  return { kind: "signed-permutation", from: Uint32Array.from(from), signs };
}

/** Columns of unit length; in place. */
function normaliseColumns(rows: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) sums[i % width]! += rows[i]! ** 2;
  const factors = sums.map((sum) => (sum > 0 ? 1 / Math.sqrt(sum) : 0));
  for (let i = 0; i < rows.length; i++) rows[i]! *= factors[i % width]!;
  return rows;
}

/** [count x width] to [width x count], in tiles that stay in the cache. */
export function transposed(rows: Float32Array, width: number): Float32Array {
  const count = rows.length / width;
  const out = new Float32Array(rows.length);
  const tile = 32;
  for (let i = 0; i < count; i += tile) {
    for (let j = 0; j < width; j += tile) {
      const [iEnd, jEnd] = [Math.min(i + tile, count), Math.min(j + tile, width)];
      for (let r = i; r < iEnd; r++) for (let c = j; c < jEnd; c++) out[c * count + r] = rows[r * width + c]!;
    }
  }
  return out;
}
