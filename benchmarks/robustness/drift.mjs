/** Noise, pruning and averaging: changes that keep every coordinate where it is. */
import { fillGaussian, xorshift } from "../support/random.mjs";
import { mapTensors } from "./model-view.mjs";

/** Normal values drawn once; every tensor starts elsewhere in them. A prime. */
const POOL = 1_048_573;

/** Adds `share` of each matrix's standard deviation as white noise. Vectors stay. */
export function noise(share, seed = 7) {
  const random = xorshift(seed);
  const pool = fillGaussian(new Float32Array(POOL), random);
  return (view) =>
    mapTensors(view, ({ shape }) => {
      if (shape.length !== 2) return null;
      const start = random() % POOL;
      // Two walks through the pool with coprime strides: their sums do not repeat within a tensor.
      const stride = 1 + (random() % (POOL - 1));
      return (values) => {
        const sigma = (share * deviation(values)) / Math.SQRT2;
        for (let i = 0, j = start, k = start; i < values.length; i++) {
          values[i] += sigma * (pool[j] + pool[k]);
          j = j + 1 === POOL ? 0 : j + 1;
          k = (k + stride) % POOL;
        }
        return values;
      };
    });
}

/** Zeros the smallest `share` of each matrix. The threshold comes from 65,536 values spread evenly over it. */
export function prune(share) {
  return (view) =>
    mapTensors(view, ({ name, shape }) => {
      if (shape.length !== 2 || name.includes("embed_tokens")) return null;
      return (values) => {
        const step = Math.max(1, values.length / 65_536);
        const sample = Float32Array.from({ length: Math.min(values.length, 65_536) }, (_, i) =>
          Math.abs(values[Math.floor(i * step)]),
        ).sort();
        const threshold = sample[Math.min(sample.length - 1, Math.floor(share * sample.length))];
        for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) < threshold) values[i] = 0;
        return values;
      };
    });
}

/** (1 - share) of the view and `share` of `other`, tensor by tensor; what the other has not, or otherwise, stays. */
export function soup(share, other) {
  return (view) =>
    mapTensors(view, ({ name, shape }) => {
      const theirs = other.tensors.get(name);
      if (!theirs || theirs.shape.join() !== shape.join()) return null;
      return (values) => {
        const added = theirs.read();
        for (let i = 0; i < values.length; i++) values[i] += share * (added[i] - values[i]);
        return values;
      };
    });
}

function deviation(values) {
  let sum = 0;
  for (const x of values) sum += x * x;
  return Math.sqrt(sum / values.length);
}
