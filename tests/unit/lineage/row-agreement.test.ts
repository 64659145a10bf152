import { expect, test } from "vitest";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import type { MatrixPair } from "../../../src/lineage/matrix-pair.ts";
import { rowsAgree } from "../../../src/lineage/row-agreement.ts";
import { matrixPairs } from "../../support/sketches.ts";

const pairOf = (seed: number, noise: number, cols = 64): MatrixPair => matrixPairs(seed, 1, 1, {}, noise, cols)[0]!;

/** The suspect's rows edited, word by word. */
function edited({ suspect, base }: MatrixPair, edit: (bits: Uint32Array, words: number) => Uint32Array): MatrixPair {
  const words = Math.ceil(suspect.cols / 32);
  const changed: MatrixSketch = { ...suspect, bits: edit(suspect.bits.slice(), words) };
  return { suspect: changed, base };
}

const turned = (bits: Uint32Array, words: number): Uint32Array =>
  bits.map((word, i) => (Math.floor(i / words) % 3 === 0 ? ~word : word));
const moved = (bits: Uint32Array, words: number): Uint32Array =>
  Uint32Array.from(bits, (_, i) => bits[(i + 5 * words) % bits.length]!);

test("rows agree with their own, also where some were turned", () => {
  for (const noise of [0.05, 0.3]) {
    const pair = pairOf(1, noise);
    expect(rowsAgree(pair, false)).toBe(true);
    expect(rowsAgree(edited(pair, turned), false)).toBe(true);
  }
  expect(rowsAgree({ ...pairOf(1, 0.5), isEqual: true }, false)).toBe(true);
});

test("rows in another order do not agree, nor do those of strangers", () => {
  expect(rowsAgree(edited(pairOf(1, 0.05), moved), false)).toBe(false);
  let agreeing = 0;
  for (let seed = 0; seed < 300; seed++) {
    const [pair] = matrixPairs(10 * seed, 1, 0);
    if (rowsAgree(pair!, false)) agreeing += 1;
  }
  expect(agreeing).toBeLessThanOrEqual(1);
});

test("what a row has in common over all columns says nothing of it", () => {
  // Half of the rows are mostly negative, the same ones in both.
  const biased = (bits: Uint32Array, words: number, salt: number): Uint32Array =>
    bits.map((word, i) => (Math.floor(i / words) % 2 === 0 ? word | Math.imul(word ^ salt, 0x9e3779b1) : word));
  let agreeing = 0;
  for (let seed = 0; seed < 40; seed++) {
    const { suspect, base } = matrixPairs(10 * seed, 1, 0)[0]!;
    const words = Math.ceil(base.cols / 32);
    const pair = {
      suspect: { ...suspect, bits: biased(suspect.bits, words, 7) },
      base: { ...base, bits: biased(base.bits, words, 8) },
    };
    if (rowsAgree(pair, false)) agreeing += 1;
  }
  expect(agreeing).toBeLessThanOrEqual(1);
});

test("few rows must nearly all agree, and where content chose the pair there must be more of them", () => {
  const cut = ({ suspect, base }: MatrixPair, rows: number): MatrixPair => {
    const some = (sketch: MatrixSketch): MatrixSketch => ({
      ...sketch,
      sampled: sketch.sampled.slice(0, rows),
      valid: sketch.valid.slice(0, rows),
      bits: sketch.bits.slice(0, rows * Math.ceil(sketch.cols / 32)),
    });
    return { suspect: some(suspect), base: some(base) };
  };
  const copy = pairOf(1, 0.05, 256);
  expect([4, 8, 16].map((rows) => rowsAgree(cut(copy, rows), false))).toEqual([false, true, true]);
  expect([4, 8, 16].map((rows) => rowsAgree(cut(copy, rows), true))).toEqual([false, false, true]);
  let agreeing = 0;
  for (let seed = 0; seed < 2000; seed++) {
    if (rowsAgree(cut(matrixPairs(10 * seed, 1, 0, {}, 0.05, 128)[0]!, 8), false)) agreeing += 1;
  }
  expect(agreeing).toBe(0);
});
