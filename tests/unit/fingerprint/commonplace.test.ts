import { describe, expect, test } from "vitest";
import { isCommonplace, tellingConstants } from "../../../src/fingerprint/commonplace.ts";
import { wholeNumbers } from "../../../src/fingerprint/whole-numbers.ts";
import type { Dtype } from "../../../src/formats/tensor-info.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { toBf16, toF16 } from "../../support/rounding.ts";

type Case = readonly [string, Dtype, readonly number[], (i: number) => number];

const bf16 = (x: number): number => new Float32Array(new Uint32Array([toBf16(x) << 16]).buffer)[0]!;
/** As f16 leaves it, if it is a normal number there. */
function f16(x: number): number {
  const bits = toF16(x);
  return (1 + (bits & 1023) / 1024) * 2 ** (((bits >> 10) & 31) - 15);
}
const random = prng("numbers of nobody");
const noise = Float64Array.from({ length: 4096 }, () => random.normal());
const whole = Int32Array.from(noise, (x) => Math.round(1000 * x));
const row = (i: number, cols: number): number => Math.floor(i / cols);

const isIt = ([, dtype, shape, of]: Case): boolean => {
  const count = shape.reduce((product, n) => product * n, 1);
  return isCommonplace([{ start: 0, values: Float32Array.from({ length: count }, (_, i) => of(i)) }], shape, dtype);
};

const COMMONPLACE: readonly Case[] = [
  ["nothing", "F32", [0], () => 1],
  ["a scalar", "F32", [], () => 0.731],
  ["zeros", "I64", [7, 9], () => 0],
  ["NaN", "F32", [5], () => Number.NaN],
  ["positions", "I64", [1, 512], (i) => i],
  ["positions that count down by two", "I32", [90], (i) => 400 - 2 * i],
  ["positions of each row", "I64", [8, 16], (i) => i % 16],
  ["numbers of rows", "I64", [8, 16], (i) => row(i, 16)],
  ["relative positions", "I64", [6, 6], (i) => (i % 6) - row(i, 6)],
  ["positions stored as floats", "F32", [300], (i) => i],
  ["positions rounded to bf16", "BF16", [1, 512], (i) => bf16(i)],
  ["evenly spaced numbers", "F32", [64], (i) => Math.fround(0.1 + (0.9 * i) / 63)],
  ["frequencies", "F32", [32], (i) => Math.fround(1 / 10_000 ** (i / 32))],
  ["frequencies rounded to bf16", "BF16", [32], (i) => bf16(1 / 10_000 ** (i / 32))],
  ["frequencies rounded to f16", "F16", [16], (i) => f16(1 / 100 ** (i / 16))],
  ["a triangle", "BOOL", [1, 1, 12, 12], (i) => Number(i % 12 <= row(i, 12))],
  ["a triangle of minus infinity", "F32", [9, 9], (i) => (i % 9 > row(i, 9) ? Number.NEGATIVE_INFINITY : 0)],
  ["triangles one after the other", "U8", [3, 5, 5], (i) => Number(i % 5 <= row(i, 5) % 5)],
  ["a band", "BOOL", [10, 14], (i) => Number(Math.abs((i % 14) - row(i, 14)) < 3)],
  ["an identity", "F32", [7, 7], (i) => Number(i % 8 === 0)],
];

const OWN: readonly Case[] = [
  ["weights", "F32", [4, 5], (i) => noise[i]!],
  ["three weights", "F32", [3], (i) => noise[i]!],
  ["two numbers", "I64", [2], (i) => [3, 8][i]!],
  ["gains near one", "BF16", [64], (i) => bf16(1 + 0.004 * noise[i]!)],
  ["gains that were sorted", "F32", [64], (i) => 1 + 0.01 * Float64Array.from(noise.subarray(0, 64)).sort()[i]!],
  ["random codes", "U8", [40], (i) => whole[i]! & 255],
  ["random bits", "BOOL", [6, 6], (i) => whole[i]! & 1],
  ["a random row of bits", "BOOL", [1, 30], (i) => whole[i]! & 1],
  ["a column of weights", "F32", [30, 1], (i) => noise[i]!],
  ["rows of a constant each", "F32", [9, 8], (i) => noise[row(i, 8)]!],
  ["positions but for one", "I64", [50], (i) => (i === 49 ? 7 : i)],
  ["a permutation", "I64", [4], (i) => [2, 0, 3, 1][i]!],
  ["a triangle but for one", "BOOL", [8, 8], (i) => Number(i === 10 || i % 8 <= row(i, 8))],
  ["infinities among weights", "F32", [12], (i) => (i === 5 ? Number.POSITIVE_INFINITY : noise[i]!)],
];

describe("what anybody writes without having learned anything", () => {
  test.each(COMMONPLACE)("is %s", (...one) => {
    expect(isIt(one)).toBe(true);
  });

  test.each(OWN)("is not %s", (...one) => {
    expect(isIt(one)).toBe(false);
  });

  test("is a count also where only windows of it were read, at their places", () => {
    const window = (start: number, of: (i: number) => number) => ({
      start,
      values: Float64Array.from({ length: 9 }, (_, i) => of(start + i)),
    });
    const count = (of: (i: number) => number): boolean =>
      isCommonplace([window(0, of), window(4003, of), window(9990, of)], [10_000], "I64");
    expect(count((i) => i)).toBe(true);
    expect(count((i) => (i < 4000 ? i : i + 1))).toBe(false);
    const triangle = (start: number) => window(start, (i) => Number(i % 100 <= row(i, 100)));
    expect(isCommonplace([triangle(0), triangle(4960), triangle(9990)], [100, 100], "BOOL")).toBe(true);
  });
});

test("constants tell something together where they are many, different and no count", () => {
  const many = [...noise.subarray(0, 50)];
  expect(tellingConstants(many).size).toBe(50);
  expect(tellingConstants([...many, 0, 1, -1, Number.NaN, 1])).toEqual(new Set(many));
  expect(tellingConstants(many.slice(0, 7)).size).toBe(0);
  expect(tellingConstants(Array.from({ length: 50 }, (_, i) => i + 2)).size).toBe(0);
  expect(tellingConstants(Array.from({ length: 50 }, () => 0.02)).size).toBe(0);
});

test("whole numbers are read at any alignment, and of nothing else", () => {
  const bytes = new Uint8Array(new BigInt64Array([1n, -2n, 3n, 1n << 40n]).buffer);
  const numbers = (piece: ReturnType<typeof wholeNumbers>): number[] => [...(piece!.values as Float64Array)];
  expect(numbers(wholeNumbers(bytes, 0, "I64"))).toEqual([1, -2, 3, 2 ** 40]);
  const odd = wholeNumbers(bytes.slice(3), 8003, "I64");
  expect(odd!.start).toBe(1001);
  expect(numbers(odd)).toEqual([-2, 3, 2 ** 40]);
  expect(numbers(wholeNumbers(new Uint8Array([255, 0, 7]), 0, "I8"))).toEqual([-1, 0, 7]);
  expect(numbers(wholeNumbers(new Uint8Array([255, 0, 7]), 0, "U16"))).toEqual([255]);
  for (const dtype of ["F4", "F6_E2M3", "F8_E8M0", "C64"] as const) expect(wholeNumbers(bytes, 0, dtype)).toBeNull();
});
