import { fillGaussian, xorshift } from "../support/random.mjs";

const RANK = 4;

/** What is done to a model's weights, so that what comes of it is related to it. */
export const CHANGES = new Map([
  [
    "noise of 10 %",
    (tensors, seed) => mapMatrices(tensors, seed, (n, _, random) => fillGaussian(new Float32Array(n), random, 0.1)),
  ],
  ["a fine-tune of rank 4", (tensors, seed) => mapMatrices(tensors, seed, lowRank)],
]);

/** A change of rank 4 with a tenth of the size of a weight. */
function lowRank(n, rows, random) {
  const cols = n / rows;
  const left = fillGaussian(new Float32Array(rows * RANK), random);
  const right = fillGaussian(new Float32Array(cols * RANK), random, 0.1 / Math.sqrt(RANK));
  const out = new Float32Array(n);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++)
      for (let k = 0; k < RANK; k++) out[i * cols + j] += left[i * RANK + k] * right[j * RANK + k];
  }
  return out;
}

function mapMatrices(tensors, seed, changeOf) {
  const random = xorshift(seed);
  return tensors.map(([name, shape, values]) => {
    if (shape.length < 2) return [name, shape, values];
    const rms = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    const change = changeOf(values.length, shape[0], random);
    // What was pruned stays pruned.
    return [name, shape, values.map((x, i) => (x === 0 ? 0 : x + rms * change[i]))];
  });
}
