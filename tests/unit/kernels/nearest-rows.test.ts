import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { rowDistances } from "../../../src/kernels/nearest-rows.ts";
import { rowDistancesPlain } from "../../oracles/row-distances.ts";
import { randomWords } from "../../support/random-fingerprint.ts";

/** Rows of random signs, of which so many differ: equal ones and opposite ones are among them. */
function rows(count: number, width: number, different: number, next: () => number): Uint32Array {
  const words = Math.ceil(width / 32);
  const tail = width % 32 === 0 ? 0xffffffff : 2 ** (width % 32) - 1;
  const kinds = Array.from({ length: different }, () => Array.from({ length: words }, next));
  const out = new Uint32Array(count * words);
  for (let i = 0; i < count; i++) {
    const [kind, turn] = [kinds[next() % different]!, next() & 1 ? 0xffffffff : 0];
    for (let w = 0; w < words; w++) out[i * words + w] = (kind[w]! ^ turn) & (w === words - 1 ? tail : 0xffffffff);
  }
  return out;
}

const width = fc.oneof(fc.constantFrom(48, 128, 256, 512), fc.integer({ min: 1, max: 300 }));

test.prop([fc.nat(140), fc.nat(90), width, fc.integer({ min: 1, max: 200 }), fc.nat()], { numRuns: 60 })(
  "nearest rows, those next to them and counts of distances are those of all distances",
  (rowsA, rowsB, signs, different, seed) => {
    const next = randomWords(seed);
    const [a, b] = [rows(rowsA, signs, different, next), rows(rowsB, signs, different, next)];
    expect(rowDistances(a, b, signs)).toEqual(rowDistancesPlain(a, b, signs));
  },
);

test("more rows than fit a tile at once", () => {
  const next = randomWords(5);
  const [a, b] = [rows(7, 256, 300, next), rows(9001, 256, 300, next)];
  expect(rowDistances(a, b, 256)).toEqual(rowDistancesPlain(a, b, 256));
  expect(rowDistances(b, a, 256)).toEqual(rowDistancesPlain(b, a, 256));
});

test("signs that no row has are counted nowhere, and reach nothing beyond the counts", () => {
  const stray = Uint32Array.of(0xffffffff, 0xffffffff);
  const { counts, plain } = rowDistances(stray, new Uint32Array(4), 48);
  expect([...counts]).toEqual(new Array(49).fill(0));
  expect([...plain.a.best]).toEqual([64]);
});

test("refuses what is no whole number of rows", () => {
  expect(() => rowDistances(new Uint32Array(3), new Uint32Array(2), 48)).toThrow("no rows of 48 signs");
  expect(() => rowDistances(new Uint32Array(0), new Uint32Array(0), 0)).toThrow("no rows of 0 signs");
});
