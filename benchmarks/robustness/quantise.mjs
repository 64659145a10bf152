/** Quantisation and back, in place on the rows of a matrix: what a model has gone through when it returns in bf16. */

import { fillGaussian, uniform, xorshift } from "../support/random.mjs";
import { isLinear, mapTensors } from "./model-view.mjs";

/**
 * The sixteen levels of NF4, quantiles of a normal distribution scaled to [-1, 1] (Dettmers et al. 2023, table in the code of
 * bitsandbytes).
 */
const NF4 = [
  -1, -0.6961928, -0.5250731, -0.3949175, -0.2844414, -0.1847734, -0.091050036, 0, 0.0795803, 0.1609302, 0.2461123,
  0.33791524, 0.44070983, 0.562617, 0.72295684, 1,
];
/** Halfway between neighbours: the level above boundary k is k + 1. */
const NF4_BOUNDS = NF4.slice(1).map((level, i) => (level + NF4[i]) / 2);

/** Symmetric 8 bits with one scale per row. */
export const int8 = (view) => everyLinear(view, (values, cols) => grouped(values, cols, symmetric(127)));

/** Asymmetric 4 bits, one scale and zero point per 128 columns. */
export const int4 = (view) => everyLinear(view, (values, cols) => grouped(values, Math.min(128, cols), asymmetric(15)));

/** NF4 with one absolute maximum per 64 values. */
export const nf4 = (view) => everyLinear(view, (values, cols) => grouped(values, Math.min(64, cols), normalFloat));

/**
 * 4 bits with error feedback along the columns, as GPTQ does it: the error of a column is spread over the columns that
 * are left, by the inverse Cholesky factor of a Hessian X^T X + damping of correlated random inputs of rank `cols / 4`.
 * The Hessian is block-diagonal in blocks of 128 columns, which are GPTQ's own lazy blocks and its groups.
 */
export const errorFeedback = (view) =>
  everyLinear(view, (values, cols, seed) => {
    const block = Math.min(128, cols);
    const factor = inverseFactor(block, xorshift(seed));
    for (let row = 0; row < values.length; row += cols) {
      for (let j = 0; j + block <= cols; j += block) feedBack(values.subarray(row + j, row + j + block), factor);
      const rest = cols % block;
      if (rest > 0) asymmetric(15)(values.subarray(row + cols - rest, row + cols));
    }
  });

/** Applies `quantise` to runs of `size` values; the last one may be shorter. */
function grouped(values, size, quantise) {
  for (let i = 0; i < values.length; i += size) quantise(values.subarray(i, Math.min(values.length, i + size)));
}

function symmetric(top) {
  return (group) => {
    const scale = largest(group) / top;
    if (scale > 0) for (let i = 0; i < group.length; i++) group[i] = scale * Math.round(group[i] / scale);
  };
}

function asymmetric(top) {
  return (group) => {
    const { low, scale } = gridOf(group, top);
    if (scale > 0) for (let i = 0; i < group.length; i++) group[i] = low + scale * Math.round((group[i] - low) / scale);
  };
}

function normalFloat(group) {
  const scale = largest(group);
  if (scale === 0) return;
  for (let i = 0; i < group.length; i++) {
    const x = group[i] / scale;
    let level = 0;
    for (let step = 8; step > 0; step >>= 1) if (x > NF4_BOUNDS[level + step - 1]) level += step;
    group[i] = scale * NF4[level];
  }
}

function gridOf(group, top) {
  let low = Infinity;
  let high = -Infinity;
  for (const x of group) {
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return { low, scale: (high - low) / top };
}

function feedBack(group, { upper, size }) {
  const { low, scale } = gridOf(group, 15);
  if (scale === 0) return;
  for (let i = 0; i < size; i++) {
    const level = Math.min(15, Math.max(0, Math.round((group[i] - low) / scale)));
    const kept = low + scale * level;
    const error = (group[i] - kept) / upper[i * size + i];
    for (let j = i + 1; j < size; j++) group[j] -= error * upper[i * size + j];
    group[i] = kept;
  }
}

/** Upper Cholesky factor of the inverse Hessian, size x size. */
function inverseFactor(size, random) {
  const samples = Math.max(8, size >> 2);
  const inputs = fillGaussian(new Float64Array(samples * size), random);
  const hessian = new Float64Array(size * size);
  for (let s = 0; s < samples; s++) {
    const gain = 0.5 + uniform(random);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) hessian[i * size + j] += gain * inputs[s * size + i] * inputs[s * size + j];
    }
  }
  const damping = 0.05 * samples;
  for (let i = 0; i < size; i++) hessian[i * size + i] += damping;
  const lower = cholesky(inverse(hessian, size), size);
  const upper = new Float64Array(size * size);
  for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) upper[j * size + i] = lower[i * size + j];
  return { upper, size };
}

/** L with L L^T = the matrix. */
function cholesky(matrix, size) {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j];
      for (let k = 0; k < j; k++) sum -= lower[i * size + k] * lower[j * size + k];
      lower[i * size + j] = i === j ? Math.sqrt(sum) : sum / lower[j * size + j];
    }
  }
  return lower;
}

/** Gauss and Jordan; the matrix is positive definite, so no pivot is needed. */
function inverse(matrix, size) {
  const a = Float64Array.from(matrix);
  const b = new Float64Array(size * size);
  for (let i = 0; i < size; i++) b[i * size + i] = 1;
  for (let i = 0; i < size; i++) {
    const pivot = 1 / a[i * size + i];
    for (let j = 0; j < size; j++) {
      a[i * size + j] *= pivot;
      b[i * size + j] *= pivot;
    }
    for (let k = 0; k < size; k++) {
      const factor = k === i ? 0 : a[k * size + i];
      if (factor === 0) continue;
      for (let j = 0; j < size; j++) {
        a[k * size + j] -= factor * a[i * size + j];
        b[k * size + j] -= factor * b[i * size + j];
      }
    }
  }
  return b;
}

function largest(group) {
  let top = 0;
  for (const x of group) top = Math.max(top, Math.abs(x));
  return top;
}

/** `change(values, cols, seed)` in place on every matrix that carries the spread mark; embeddings stay in 16 bits. */
function everyLinear(view, change) {
  let seed = 1;
  return mapTensors(view, ({ shape }, role) => {
    if (!isLinear(role)) return null;
    const own = seed++;
    return (values) => {
      change(values, shape[1], own);
      return values;
    };
  });
}
