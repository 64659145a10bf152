import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { symmetricEigen } from "../../src/numerics/eigen.ts";
import { log10FixedPointTail } from "../../src/numerics/fixed-points.ts";
import { logBinomial, logFactorial, logGamma } from "../../src/numerics/gamma.ts";
import { levelsOnGrid } from "../../src/numerics/grid.ts";
import { log10NormalTail } from "../../src/numerics/normal.ts";
import { permutation, prng, subset } from "../../src/numerics/prng.ts";
import { gram, thinSvd } from "../../src/numerics/svd.ts";
import { gramVariance } from "../oracles/gram-variance.ts";
import { permutationMoments, permutations } from "../unit/numerics/permutations.ts";
import { STORAGES } from "../unit/numerics/storage.ts";

const ALL_PERMUTATIONS = Array.from({ length: 8 }, (_, n) => permutations(n));
const labels = fc.integer({ min: 2, max: 7 });
const seeds = fc.integer();
const value = fc.double({ min: -1e3, max: 1e3, noNaN: true });

/** Sum of c[j, pi(j)] for every permutation. */
function enumerate(c: Float64Array, n: number): Float64Array {
  return Float64Array.from(ALL_PERMUTATIONS[n]!, (pi) => pi.reduce((sum, image, j) => sum + c[j * n + image]!, 0));
}

function momentsOf(sums: Float64Array): { mean: number; variance: number } {
  let mean = 0;
  for (const sum of sums) mean += sum / sums.length;
  let variance = 0;
  for (const sum of sums) variance += (sum - mean) ** 2 / sums.length;
  return { mean, variance };
}

/** m x n signs with every row's mean taken off. */
function centredSigns(m: number, n: number, seed: number): Float64Array {
  const random = prng(seed);
  const a = Float64Array.from({ length: m * n }, () => 1 - 2 * random.below(2));
  for (let i = 0; i < m; i++) {
    const row = a.subarray(i * n, (i + 1) * n);
    const mean = row.reduce((sum, x) => sum + x, 0) / n;
    for (let j = 0; j < n; j++) row[j]! -= mean;
  }
  return a;
}

/** a^T b (n x n) for a, b m x n. */
function crossProduct(a: Float64Array, b: Float64Array, m: number, n: number): Float64Array {
  const c = new Float64Array(n * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) c[j * n + k]! += a[i * n + j]! * b[i * n + k]!;
  return c;
}

describe("permutation statistics equal full enumeration", () => {
  test.prop([labels.chain((n) => fc.tuple(fc.constant(n), fc.array(value, { minLength: n * n, maxLength: n * n })))])(
    "moments of sum_j C[j, pi(j)]",
    ([n, entries]) => {
      const c = Float64Array.from(entries);
      const exact = momentsOf(enumerate(c, n));
      const { mean, variance } = permutationMoments(c, n);
      expect(Math.abs(mean - exact.mean)).toBeLessThan(1e-9);
      expect(Math.abs(variance - exact.variance)).toBeLessThan(1e-12 * n * n * 1e6);
    },
  );

  test.prop([labels, fc.integer({ min: 1, max: 12 }), seeds])(
    "variance of T = <A, B> for centred signs",
    (n, m, seed) => {
      const a = centredSigns(m, n, seed);
      const b = centredSigns(m, n, seed ^ 0x5bd1e995);
      const exact = momentsOf(enumerate(crossProduct(a, b, m, n), n));
      const variance = gramVariance(gram(a, m, n), gram(b, m, n), m, n);
      expect(Math.abs(exact.mean)).toBeLessThan(1e-10);
      expect(Math.abs(variance - exact.variance)).toBeLessThan(1e-10 * Math.max(1, exact.variance));
      expect(permutationMoments(crossProduct(a, b, m, n), n).variance).toBeCloseTo(variance, 8);
    },
  );
});

describe("Monte Carlo agrees", () => {
  test("the closed moments on 40 labels, 20,000 permutations", () => {
    const n = 40;
    const random = prng("sums");
    const a = Float64Array.from({ length: n * n }, () => random.normal());
    const { mean, variance } = permutationMoments(a, n);
    const pi = permutation(n, 1);
    const sums = Float64Array.from({ length: 20_000 }, () => {
      random.shuffle(pi);
      return pi.reduce((sum, image, j) => sum + a[j * n + image]!, 0);
    });
    const seen = momentsOf(sums);
    expect(Math.abs(seen.mean - mean)).toBeLessThan(5 * Math.sqrt(variance / sums.length));
    expect(Math.abs(seen.variance / variance - 1)).toBeLessThan(0.06);
    for (const z of [0.5, 1, 2, 3, 3.5]) {
      const t = z * Math.sqrt(variance);
      const share = sums.filter((sum) => Math.abs(sum - mean) >= t).length / sums.length;
      // The standardised sum is close to normal already at 40 labels.
      const deviation = 5 * Math.sqrt((10 ** log10NormalTail(z) + 1e-4) / sums.length);
      expect(Math.abs(share - 10 ** log10NormalTail(z))).toBeLessThan(deviation + 0.005);
    }
  });

  test("the normal tail counts normal deviates", () => {
    const random = prng("uniform");
    const n = 20_000;
    let beyond = 0;
    for (let i = 0; i < n; i++) {
      if (Math.abs(random.normal()) > 1.5) beyond++;
    }
    expect(Math.abs(beyond / n - 10 ** log10NormalTail(1.5))).toBeLessThan(5 * Math.sqrt(0.134 / n));
  });

  test("fixed points of 30 labels stay below their bound", () => {
    const n = 30;
    const counts = new Array<number>(n + 1).fill(0);
    for (let seed = 0; seed < 20_000; seed++) {
      counts[permutation(n, seed).reduce((hits, image, label) => hits + Number(image === label), 0)]!++;
    }
    let beyond = 0;
    for (let k = n; k >= 0; k--) {
      beyond += counts[k]!;
      if (beyond < 100) continue;
      const slack = 1 + 5 / Math.sqrt(beyond);
      expect(beyond / 20_000).toBeLessThan(slack * 10 ** log10FixedPointTail(n, n, k));
    }
  });
});

describe("tails fall and never exceed one", () => {
  test.prop([fc.double({ min: 0, max: 1e4, noNaN: true }), fc.double({ min: 1e-3, max: 10, noNaN: true })])(
    "normal",
    (z, more) => {
      expect(log10NormalTail(z)).toBeLessThanOrEqual(0);
      expect(log10NormalTail(z + more)).toBeLessThan(log10NormalTail(z));
    },
  );

  test.prop([fc.integer({ min: 1, max: 5000 }), fc.nat(), fc.nat()])("fixed points", (n, a, b) => {
    const k0 = 1 + (a % n);
    const k = b % k0;
    expect(log10FixedPointTail(n, k0, k)).toBeLessThanOrEqual(0);
    expect(log10FixedPointTail(n, k0, k + 1)).toBeLessThanOrEqual(log10FixedPointTail(n, k0, k) + 1e-9);
    expect(log10FixedPointTail(n, k0, k + 1)).toBeLessThanOrEqual(-logFactorial(k + 1) / Math.LN10 + 1e-9);
    expect(log10FixedPointTail(n + 1, k0, k)).toBeLessThanOrEqual(log10FixedPointTail(n, k0, k) + 1e-9);
  });
});

describe("log-gamma", () => {
  test.prop([fc.double({ min: 1e-6, max: 1e12, noNaN: true })])("recurrence: Gamma(x + 1) = x Gamma(x)", (x) => {
    const difference = logGamma(x + 1) - logGamma(x) - Math.log(x);
    expect(Math.abs(difference)).toBeLessThan(1e-13 + 2e-15 * Math.abs(logGamma(x + 1)));
  });

  test.prop([fc.integer({ min: 1, max: 1000 }), fc.nat()])("Pascal's rule", (n, pick) => {
    const k = pick % (n + 1);
    const left = logBinomial(n, k - 1);
    const right = logBinomial(n, k);
    const high = Math.max(left, right);
    const sum = high + Math.log(Math.exp(left - high) + Math.exp(right - high));
    expect(Math.abs(logBinomial(n + 1, k) - sum)).toBeLessThan(1e-12 * Math.max(1, sum));
  });
});

describe("linear algebra", () => {
  const square = fc.integer({ min: 1, max: 9 }).chain((n) => {
    const entry = fc.integer({ min: -4, max: 4 });
    return fc.tuple(fc.constant(n), fc.array(entry, { minLength: n * n, maxLength: n * n }));
  });

  test.prop([square])(
    "eigenvalues: trace, sum of squares, A v = lambda v, also for repeated and zero ones",
    ([n, entries]) => {
      const a = new Float64Array(n * n);
      for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = entries[i * n + j]!;
      const { values, vectors } = symmetricEigen(a, n);
      let trace = 0;
      for (let i = 0; i < n; i++) trace += a[i * n + i]!;
      expect(values.reduce((sum, x) => sum + x, 0)).toBeCloseTo(trace, 10);
      expect(values.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(
        a.reduce((sum, x) => sum + x * x, 0),
        9,
      );
      for (let k = 0; k < n; k++) {
        if (k > 0) expect(values[k]!).toBeLessThanOrEqual(values[k - 1]!);
        for (let i = 0; i < n; i++) {
          let product = 0;
          for (let j = 0; j < n; j++) product += a[i * n + j]! * vectors[k * n + j]!;
          expect(Math.abs(product - values[k]! * vectors[k * n + i]!)).toBeLessThan(1e-12);
        }
      }
    },
  );

  test.prop([fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 6 }), seeds])(
    "the decomposition of an integer matrix multiplies back",
    (rows, extra, seed) => {
      const cols = rows + extra;
      const random = prng(seed);
      const a = Float64Array.from({ length: rows * cols }, () => random.below(3) - 1);
      const { s, u, vt } = thinSvd(a, rows, cols);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < cols; j++) {
          let sum = 0;
          for (let k = 0; k < rows; k++) sum += u[i * rows + k]! * s[k]! * vt[k * cols + j]!;
          expect(Math.abs(sum - a[i * cols + j]!)).toBeLessThan(1e-12);
        }
      }
    },
  );
});

describe("quantisation groups", () => {
  const storage = fc.constantFrom(...Object.values(STORAGES));
  const scale = fc.double({ min: 1e-3, max: 1e3, noNaN: true });

  test.prop([storage, scale, fc.constantFrom(7, 127), seeds])(
    "with every level of int4, or 48 random ones of int8, in use are found",
    (store, step, top, seed) => {
      const random = prng(seed);
      const levels = top === 7 ? [1, 2, 3, 4, 5, 6, 7] : [127, ...Array.from({ length: 48 }, () => random.below(64))];
      const signed = levels.map((level) => level * (1 - 2 * random.below(2)));
      const values = Float32Array.from(signed, (level) => store(level * step));
      const grid = levelsOnGrid(values);
      expect(grid).not.toBeNull();
      const divisor = Math.round(grid!.step / step);
      expect(grid!.step / step / divisor).toBeCloseTo(1, 2);
      for (const level of signed) expect(Math.abs(level % divisor)).toBe(0);
    },
  );

  test.prop([storage, scale, fc.integer({ min: 1, max: 200 }), seeds])(
    "of Gaussian values are not",
    (store, sd, n, seed) => {
      const random = prng(seed);
      expect(levelsOnGrid(Float32Array.from({ length: n }, () => store(sd * random.normal())))).toBeNull();
    },
  );

  test.prop([fc.array(fc.float(), { maxLength: 40 })])(
    "of arbitrary floats never crash, and a found grid holds them",
    (list) => {
      const values = Float32Array.from(list);
      const grid = levelsOnGrid(values);
      if (grid === null) return;
      for (const v of values) {
        const nearest = Math.round(v / grid.step) * grid.step;
        expect(Math.abs(v - nearest)).toBeLessThanOrEqual(2 ** -7 * Math.abs(v));
      }
    },
  );
});

describe("seeded sampling", () => {
  test.prop([fc.integer({ min: 0, max: 200 }), fc.string()])("permutations hold every label once", (n, seed) => {
    const pi = permutation(n, seed);
    expect([...pi].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
    expect(permutation(n, seed)).toEqual(pi);
  });

  test.prop([fc.integer({ min: 1, max: 2 ** 32 }), fc.integer({ min: 0, max: 50 }), seeds])(
    "subsets are rising, distinct and in range",
    (n, k, seed) => {
      const size = Math.min(n, k);
      const picked = subset(n, size, seed);
      expect(picked.length).toBe(size);
      picked.forEach((index, i) => {
        expect(index).toBeLessThan(n);
        if (i > 0) expect(index).toBeGreaterThan(picked[i - 1]!);
      });
    },
  );
});
