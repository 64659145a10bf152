/** Moves of rows and columns of row-major f32 matrices: what the symmetries of a transformer are made of. */
import { uniform, xorshift } from "../support/random.mjs";

/** Row i of the result is row order[i]. */
export function permuteRows(values, cols, order) {
  const out = new Float32Array(order.length * cols);
  for (const [i, from] of order.entries()) out.set(values.subarray(from * cols, (from + 1) * cols), i * cols);
  return out;
}

/** Column j of the result is column order[j]. */
export function permuteColumns(values, cols, order) {
  const rows = values.length / cols;
  const out = new Float32Array(rows * order.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < order.length; j++) out[i * order.length + j] = values[i * cols + order[j]];
  }
  return out;
}

/** In place. */
export function scaleRows(values, cols, factors) {
  for (let i = 0; i * cols < values.length; i++) {
    for (let j = 0; j < cols; j++) values[i * cols + j] *= factors[i];
  }
  return values;
}

/** In place. */
export function scaleColumns(values, cols, factors) {
  for (let i = 0; i < values.length; i += cols) for (let j = 0; j < cols; j++) values[i + j] *= factors[j];
  return values;
}

/** A uniformly random order of 0 ... n - 1. */
export function shuffled(n, seed) {
  const random = xorshift(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random() % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Whole runs of `size` keep together: the order of their elements when the runs come in `order`. */
export function inRuns(order, size) {
  return order.flatMap((run) => Array.from({ length: size }, (_, i) => run * size + i));
}

/**
 * A dense random orthogonal map of n coordinates: enough rounds of plane rotations over random pairs that every output
 * depends on every input. About 6 operations per value and round instead of 2 n per value.
 */
export function randomRotation(n, seed) {
  const random = xorshift(seed);
  const rounds = Math.ceil(Math.log2(n)) + 2;
  const planes = [];
  for (let r = 0; r < rounds; r++) {
    const order = shuffled(n, random());
    for (let i = 0; i + 1 < n; i += 2) {
      const angle = 2 * Math.PI * uniform(random);
      planes.push([order[i], order[i + 1], Math.cos(angle), Math.sin(angle)]);
    }
  }
  return {
    first: Int32Array.from(planes, ([i]) => i),
    second: Int32Array.from(planes, ([, j]) => j),
    cos: Float64Array.from(planes, ([, , c]) => c),
    sin: Float64Array.from(planes, ([, , , s]) => s),
  };
}

/** Every row is mapped, in place: the input side of a matrix, and the rows of an embedding. */
export function rotateRowVectors(values, cols, { first, second, cos, sin }) {
  for (let row = 0; row < values.length; row += cols) {
    for (let p = 0; p < first.length; p++) {
      const x = values[row + first[p]];
      const y = values[row + second[p]];
      values[row + first[p]] = cos[p] * x - sin[p] * y;
      values[row + second[p]] = sin[p] * x + cos[p] * y;
    }
  }
  return values;
}

/** Every column is mapped, in place: the output side of a matrix. */
export function rotateColumnVectors(values, cols, { first, second, cos, sin }) {
  for (let p = 0; p < first.length; p++) {
    const a = first[p] * cols;
    const b = second[p] * cols;
    for (let j = 0; j < cols; j++) {
      const x = values[a + j];
      const y = values[b + j];
      values[a + j] = cos[p] * x - sin[p] * y;
      values[b + j] = sin[p] * x + cos[p] * y;
    }
  }
  return values;
}
