import { expect, test } from "vitest";
import { digestValues } from "../../../src/fingerprint/value-digest.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { fromBf16, fromF16, toBf16, toF16 } from "../../support/rounding.ts";

const random = prng("digests");
/** All binades of f32, the borders of f16 and values halfway between its neighbours. */
const VALUES = Float32Array.from([
  ...Array.from({ length: 4000 }, () => random.normal() * 2 ** (random.below(60) - 40)),
  ...Array.from({ length: 400 }, (_, i) => (i - 200) * 2 ** -25),
  ...[0, -0, 65504, 65519.996, 65520, -70000, 2 ** -14, 2 ** -24, 2 ** -25, 1.5 * 2 ** -25, 3.4e38, -3.4e38],
  ...Array.from({ length: 200 }, (_, i) => 1 + (2 * i + 1) * 2 ** -11),
  ...Array.from({ length: 200 }, (_, i) => 1 + (2 * i + 1) * 2 ** -8),
]);

test("the image of a cast is the digest of the cast values", () => {
  const digest = digestValues(VALUES);
  const half = VALUES.map((x) => fromF16(toF16(x)));
  const brain = VALUES.map((x) => fromBf16(toBf16(x)));
  expect(digest.f16).toBe(digestValues(half).f32);
  expect(digest.bf16).toBe(digestValues(brain).f32);
  expect(new Set(Object.values(digest)).size).toBe(3);
  // What a type holds without loss is its own image.
  expect(digestValues(half).f16).toBe(digestValues(half).f32);
  expect(digestValues(brain).bf16).toBe(digestValues(brain).f32);
});

test("NaN is NaN whatever its payload; signs, order and zeros of either sign count", () => {
  const withBits = (...bits: number[]): string => digestValues(new Float32Array(Uint32Array.from(bits).buffer)).f32;
  expect(withBits(0x7fc00000, 0)).toBe(withBits(0xffaabbcc, 0));
  expect(withBits(0x7f800000, 0)).not.toBe(withBits(0xff800000, 0));
  expect(withBits(0, 0x80000000)).not.toBe(withBits(0, 0));
  expect(withBits(0, 0x3f800000)).not.toBe(withBits(0x3f800000, 0));
  expect(withBits()).not.toBe(withBits(0));
});

test("the values handed in stay as they are", () => {
  const nan = new Float32Array(Uint32Array.of(0xffaabbcc).buffer);
  digestValues(nan);
  expect(new Uint32Array(nan.buffer)[0]).toBe(0xffaabbcc);
});
