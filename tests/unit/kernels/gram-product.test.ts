import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { centredGram, gramProduct, signGramTrace } from "../../../src/kernels/sign-gram.ts";
import { gramVariance } from "../../oracles/gram-variance.ts";
import { randomWords } from "../../support/random-fingerprint.ts";

/** m rows of n random signs; unused bits are 0. */
function signs(m: number, n: number, next: () => number): Uint32Array {
  const words = Math.ceil(n / 32);
  const tail = n % 32 === 0 ? 0xffffffff : 2 ** (n % 32) - 1;
  return Uint32Array.from({ length: m * words }, (_, k) => next() & (k % words === words - 1 ? tail : 0xffffffff));
}

/** Powers of two are summed in another order, as long as that is exact. */
const width = fc.oneof(fc.constantFrom(2, 32, 64, 128, 256, 1024), fc.integer({ min: 2, max: 150 }));

test.prop([fc.integer({ min: 1, max: 300 }), width, fc.nat()], { numRuns: 40 })(
  "the traces of two Gram matrices are those of the matrices themselves, to the bit",
  (m, n, seed) => {
    const next = randomWords(seed);
    const [a, b] = [signs(m, n, next), signs(m, n, next)];
    const words = Math.ceil(n / 32);
    const [ga, gb] = [centredGram(a, m, words, n), centredGram(b, m, words, n)];
    const { trace, normA, normB } = gramProduct(a, b, m, words, n);
    const diagonal = (g: Float64Array): number => {
      let sum = 0;
      for (let i = 0; i < m; i++) sum += g[i * m + i]!;
      return sum;
    };
    expect(trace / (n - 1)).toBe(gramVariance(ga, gb, m, n));
    expect(signGramTrace(ga, gb, m, n)).toBe(trace);
    expect([normA, normB]).toEqual([diagonal(ga), diagonal(gb)]);
  },
);
