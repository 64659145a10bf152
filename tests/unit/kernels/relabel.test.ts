import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { relabelledSums } from "../../../src/kernels/relabel.ts";
import { prng, seedState, xoshiro128 } from "../../../src/numerics/prng.ts";
import { relabelledSumsPlain } from "../../oracles/relabelled-sums.ts";

function products(k: number, seed: number): Float32Array {
  const random = prng(seed);
  return Float32Array.from({ length: k * k }, () => random.normal());
}

test.prop([fc.nat(70), fc.integer(), fc.nat(260)], { numRuns: 60 })(
  "sums of relabelings are those of the generator's orders, to the bit",
  (k, seed, rounds) => {
    const [of, state] = [products(k, seed), seedState(seed)];
    expect(relabelledSums(of, k, state, rounds)).toEqual(relabelledSumsPlain(of, k, state, rounds));
    expect(state).toEqual(seedState(seed));
  },
);

/** A state whose first draw is the given number: what the generator makes of its second word, undone. */
function drawing(value: number): Uint32Array {
  const inverse = (odd: number): number => {
    let x = odd;
    for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(odd, x));
    return x;
  };
  const product = Math.imul(value, inverse(9));
  const word = Math.imul((product >>> 7) | (product << 25), inverse(5)) >>> 0;
  return Uint32Array.of(1, word, 3, 4);
}

test.each([2, 3, 5, 7, 8, 11, 48])("draws from the incomplete last block of %i are drawn again, and no others", (k) => {
  const of = products(k, k);
  for (let below = 1; below <= k + 1; below++) {
    const state = drawing(2 ** 32 - below);
    expect(xoshiro128(state).uint32()).toBe(2 ** 32 - below);
    expect(relabelledSums(of, k, state, 3)).toEqual(relabelledSumsPlain(of, k, state, 3));
  }
});

test("refuses what is no square of products", () => {
  expect(() => relabelledSums(new Float32Array(8), 3, seedState(1), 1)).toThrow("no products of 3 labels");
});
