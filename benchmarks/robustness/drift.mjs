/** Noise, pruning and averaging: changes that keep every coordinate where it is. */
import { fillGaussian, xorshift } from "../support/random.mjs";
import { mapTensors } from "./model-view.mjs";

/** Normal values to draw from, as many as 16 bits can tell apart: two draws cost one call of the generator. */
const TABLE = 65_536;

/** Adds `share` of each matrix's standard deviation as white noise. Vectors stay. */
export function noise(share, seed = 7) {
  const random = xorshift(seed);
  const table = fillGaussian(new Float32Array(TABLE), random);
  return (view) =>
    mapTensors(view, ({ shape }) => {
      if (shape.length !== 2) return null;
      return (values) => {
        const sigma = share * deviation(values);
        for (let i = 0; i < values.length; i += 2) {
          const drawn = random();
          values[i] += sigma * table[drawn & 0xffff];
          values[i + 1] += sigma * table[drawn >>> 16];
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
