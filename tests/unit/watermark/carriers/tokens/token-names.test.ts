import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { prng } from "../../../../../src/numerics/prng.ts";
import type { TokenMatrix } from "../../../../../src/watermark/carriers/tokens/token-matrix.ts";
import {
  readTokenizerFile,
  readTokenNames,
  type TokenNames,
  tokenNames,
} from "../../../../../src/watermark/carriers/tokens/token-names.ts";
import { planTokens } from "../../../../../src/watermark/carriers/tokens/token-plan.ts";
import { tokenReading } from "../../../../../src/watermark/carriers/tokens/token-reading.ts";
import { readTokenUnits, type TokenUnits } from "../../../../../src/watermark/carriers/tokens/token-units.ts";
import { modelKey } from "../../../../../src/watermark/key/model-key.ts";
import { PAYLOAD_CLASSES } from "../../../../../src/watermark/message/payload-class.ts";
import { randomModel } from "../../../../support/random-model.ts";
import { savedCheckpoint } from "../../../../support/stored-model.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";
import { tokenMatrix, trainedRows } from "../../../../support/token-rows.ts";

describe("names", () => {
  test("are read from maps and from lists, with added tokens", () => {
    const bpe = { model: { type: "BPE", vocab: { a: 0, Ġthe: 2, b: 1 } }, added_tokens: [{ id: 4, content: "<eot>" }] };
    expect(tokenNames(bpe)).toEqual(["a", "b", "Ġthe", null, "<eot>"]);
    const unigram = {
      model: {
        type: "Unigram",
        vocab: [
          ["<unk>", 0],
          ["▁a", -2.5],
        ],
      },
    };
    expect(tokenNames(unigram)).toEqual(["<unk>", "▁a"]);
  });

  test.skipIf(process.platform === "win32")("are not waited for where a pipe has the file's name", async () => {
    const pipe = join(temporaryDirectory(), "tokenizer.json");
    execFileSync("mkfifo", [pipe]);
    expect(await readTokenizerFile(pipe)).toBeNull();
  });

  test("stand for one token each, and a token has one", () => {
    const twice = {
      model: {
        vocab: [
          ["same", 0],
          ["same", 0],
          ["other", 0],
        ],
      },
      added_tokens: [{ id: 3, content: "other" }],
    };
    expect(tokenNames(twice)).toEqual(["same", null, "other"]);
    const number = { model: { vocab: { x: 0, y: 0, z: 1 } }, added_tokens: [{ id: 1, content: "new" }] };
    expect(tokenNames(number)).toEqual(["x", "z"]);
  });

  test("that differ in halves of surrogate pairs alone are one name: they are the same bytes", () => {
    const vocab = { "\ud800 token": 0, "\ud801 token": 1, "\ud83d\ude00 token": 2, "\ud83d\ude01 token": 3 };
    expect(tokenNames({ model: { vocab } })).toEqual(["\ufffd token", null, "😀 token", "😁 token"]);
  });

  test("of properties that every object has are names like others", () => {
    const hostile = JSON.parse('{"model": {"vocab": {"__proto__": 0, "constructor": 1, "toString": 2}}}');
    expect(tokenNames(hostile)).toEqual(["__proto__", "constructor", "toString"]);
    expect(tokenNames(JSON.parse('{"__proto__": {"model": {"vocab": {"a": 0}}}}'))).toBeNull();
  });

  test("are null for whatever is no vocabulary", () => {
    for (const x of [
      null,
      1,
      [],
      {},
      { model: null },
      { model: { vocab: 7 } },
      { model: { vocab: { a: -1, b: 1.5 } } },
    ])
      expect(tokenNames(x)).toBeNull();
    expect(tokenNames({ model: { vocab: { a: 2 ** 40, b: "0", ["x".repeat(5000)]: 1 } } })).toBeNull();
  });

  test("come from the tokenizer.json beside the weights", async () => {
    const directory = temporaryDirectory();
    const checkpoint = await savedCheckpoint(randomModel({ init: 1 }), directory);
    expect(await readTokenNames(checkpoint)).toBeNull();
    writeFileSync(join(directory, "tokenizer.json"), '{"model": {"vocab": {"one": 0}}}');
    expect(await readTokenNames(checkpoint)).toEqual(["one"]);
    writeFileSync(join(directory, "tokenizer.json"), '{"model": {"vocab": ');
    expect(await readTokenNames(checkpoint)).toBeNull();
    expect(await readTokenizerFile(directory)).toBeNull();
    await checkpoint.close();
  });
});

const COLS = 64;
const ROWS = 3000;
const zeroBit = PAYLOAD_CLASSES[0]!;
const key = modelKey(new Uint8Array(32).fill(9), "release");
const host = trainedRows(2, ROWS, COLS);
const names = Array.from({ length: ROWS }, (_, i) => `token ${i}`);

async function markedWith(known: TokenNames | null): Promise<{ copy: Float32Array; statistic: number }> {
  const matrix = tokenMatrix(host, COLS);
  const units = (await readTokenUnits(matrix, key, known))!;
  const { edit, statistic } = planTokens(matrix, units, new Int8Array(64).fill(1), zeroBit, key, 0.06)!;
  const copy = host.slice();
  for (let i = 0; i < copy.length; i++) {
    for (let k = 0; k < edit.rank; k++) {
      copy[i]! += edit.coefficients[Math.floor(i / COLS) * edit.rank + k]! * edit.directions[k * COLS + (i % COLS)]!;
    }
  }
  return { copy, statistic };
}

async function statisticOf(matrix: TokenMatrix, known: TokenNames | null): Promise<number> {
  const units = (await readTokenUnits(matrix, key, known)) as TokenUnits;
  const { values, energies } = tokenReading(units, zeroBit);
  return values.reduce((a, b) => a + b, 0) / Math.sqrt(energies.reduce((a, b) => a + b, 0));
}

describe("addressing by name", () => {
  test("finds the mark in any order of the vocabulary", async () => {
    const { copy, statistic } = await markedWith(names);
    const order = Uint32Array.from(names.keys());
    prng("order").shuffle(order);
    const shuffled = new Float32Array(copy.length);
    order.forEach((from, to) => {
      shuffled.set(copy.subarray(from * COLS, (from + 1) * COLS), to * COLS);
    });
    const shuffledNames = [...order].map((from) => names[from]!);
    expect(await statisticOf(tokenMatrix(shuffled, COLS), shuffledNames)).toBeCloseTo(statistic, 2);
    expect(Math.abs(await statisticOf(tokenMatrix(shuffled, COLS), names))).toBeLessThan(5);
  });

  test("does not see rows that have no name", async () => {
    const { copy, statistic } = await markedWith(names);
    const extended = new Float32Array(copy.length + 500 * COLS);
    extended.set(copy);
    extended.set(trainedRows(8, 500, COLS), copy.length);
    expect(await statisticOf(tokenMatrix(extended, COLS), names)).toBeCloseTo(statistic, 2);
  });

  test("and by number are two marks: neither finds the other", async () => {
    const byName = await markedWith(names);
    expect(Math.abs(await statisticOf(tokenMatrix(byName.copy, COLS), null))).toBeLessThan(5);
    const byNumber = await markedWith(null);
    expect(Math.abs(await statisticOf(tokenMatrix(byNumber.copy, COLS), names))).toBeLessThan(5);
    expect(await statisticOf(tokenMatrix(byNumber.copy, COLS), null)).toBeGreaterThan(8);
  });
});
