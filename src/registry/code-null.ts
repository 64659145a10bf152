import { laneCount } from "../kernels/bits.ts";

/** Mean and standard deviation of the smallest of K distances between independent random codes. */
export interface NullMoments {
  readonly mean: number;
  readonly sd: number;
}

/** By the number of codes, for every number of bits in a lane. */
const known = new Map<number, { readonly beyond: Float64Array; readonly moments: Map<number, NullMoments> }>();

/**
 * Exact for K independent distances, each the sum over the lanes of min(h, laneBits - h) with h Binomial(laneBits, 1/2):
 * E[min] = sum over d of P(min > d).
 */
export function nullOfSmallest(count: number, laneBits: number): NullMoments {
  let { beyond, moments } = known.get(laneBits) ?? {};
  if (beyond === undefined || moments === undefined) {
    beyond = beyondOf(distancePmf(laneBits));
    moments = new Map();
    known.set(laneBits, { beyond, moments });
  }
  let found = moments.get(count);
  if (found === undefined) {
    found = smallest(beyond, count);
    moments.set(count, found);
  }
  return found;
}

function smallest(beyond: Float64Array, count: number): NullMoments {
  let first = 0;
  let second = 0;
  beyond.forEach((p, d) => {
    const all = p ** count;
    first += all;
    second += (2 * d + 1) * all;
  });
  return { mean: first, sd: Math.sqrt(Math.max(second - first * first, 1e-6)) };
}

/** P(distance > d), summed from the far end: small ones stay exact. */
function beyondOf(pmf: Float64Array): Float64Array {
  const beyond = new Float64Array(pmf.length);
  for (let d = pmf.length - 1; d > 0; d--) beyond[d - 1] = Math.min(1, beyond[d]! + pmf[d]!);
  return beyond;
}

function distancePmf(laneBits: number): Float64Array {
  const lane = lanePmf(laneBits);
  let sum = Float64Array.of(1);
  for (let i = 0; i < laneCount(laneBits); i++) sum = convolved(sum, lane);
  return sum;
}

/** Of min(h, laneBits - h): the two halves of the binomial on each other. */
function lanePmf(laneBits: number): Float64Array {
  const pmf = new Float64Array(Math.floor(laneBits / 2) + 1);
  let mass = 2 ** -laneBits;
  for (let h = 0; h <= laneBits; h++) {
    pmf[Math.min(h, laneBits - h)]! += mass;
    mass *= (laneBits - h) / (h + 1);
  }
  return pmf;
}

function convolved(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(a.length + b.length - 1);
  a.forEach((p, i) => {
    b.forEach((q, j) => {
      out[i + j]! += p * q;
    });
  });
  return out;
}
