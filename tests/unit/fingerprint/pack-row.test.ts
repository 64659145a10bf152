import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { isUsable, packRows } from "../../../src/fingerprint/pack-row.ts";

const value = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1e-42, -1e-42));
const gain = fc.oneof(value, fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY));

test.prop([
  fc.constantFrom(1, 31, 32, 33, 64, 70),
  fc.integer({ min: 1, max: 4 }),
  fc.infiniteStream(value),
  fc.option(fc.infiniteStream(gain)),
])("packed signs are those of value times sign of the gain", (cols, rows, values, gains) => {
  const raw = Float32Array.from({ length: rows * cols }, () => values.next().value!);
  const factors = gains === null ? null : Float32Array.from({ length: cols }, () => gains.next().value!);
  const { negative, ties } = packRows(raw, cols, factors);
  const words = Math.ceil(cols / 32);
  expect(negative).toHaveLength(rows * words);
  const expected = { negative: new Uint32Array(rows * words), ties: new Uint32Array(rows * words) };
  raw.forEach((x, k) => {
    const [i, j] = [Math.floor(k / cols), k % cols];
    const product = factors === null ? x : x * Math.sign(factors[j]!);
    const at = i * words + (j >>> 5);
    if (product < 0) expected.negative[at]! |= 1 << (j & 31);
    else if (!(product > 0)) expected.ties[at]! |= 1 << (j & 31);
  });
  expect({ negative, ties }).toEqual(expected);
});

test("rows with a value that is not finite, or with one value only, cannot be used", () => {
  const row = (...values: number[]): boolean =>
    isUsable(Float32Array.from([...values.map((_, j) => j), ...values, Number.NaN]), 1, values.length);
  expect(row(1, 2, 3)).toBe(true);
  expect(row(2, 2, 2)).toBe(false);
  expect(row(0, -0)).toBe(false);
  expect(row(1, Number.NaN)).toBe(false);
  expect(row(Number.NEGATIVE_INFINITY, 1)).toBe(false);
});
