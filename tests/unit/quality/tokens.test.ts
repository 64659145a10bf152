import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { readText, readTokenIds } from "../../../src/quality/token-file.ts";
import { tokenize } from "../../../src/quality/tokenizer.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { modelBytes, tinyModel } from "../../support/tiny-model.ts";

/** Words split at spaces, numbered in order; `start` is put before a text. */
function wordTokenizer(words: readonly string[], start: string | null): object {
  const vocab = Object.fromEntries(["<unk>", ...words].map((word, id) => [word, id]));
  const template = [{ Sequence: { id: "A", type_id: 0 } }];
  const special = { SpecialToken: { id: start, type_id: 0 } };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor:
      start === null
        ? null
        : {
            type: "TemplateProcessing",
            single: [special, ...template],
            pair: [special, ...template],
            special_tokens: { [start]: { id: start, ids: [vocab[start]], tokens: [start] } },
          },
    decoder: null,
    model: { type: "WordLevel", vocab, unk_token: "<unk>" },
  };
}

/** A model directory with these files beside the weights. */
async function model(files: Readonly<Record<string, unknown>>) {
  const directory = temporaryDirectory();
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "model.safetensors"), modelBytes(tinyModel(1)));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  const checkpoint = await openCheckpoint(directory);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

const WORDS = ["the", "cat", "sat", "a", "<s>"];

describe("a text", () => {
  it("becomes the tokens of tokenizer.json, and what the tokenizer puts first stands apart", async () => {
    const plain = await model({ "tokenizer.json": wordTokenizer(WORDS, null) });
    expect(await tokenize("the cat sat the", plain, plain)).toEqual({
      sequences: [[1, 2, 3, 1]],
      prefix: [],
      notes: [],
    });
    const started = await model({ "tokenizer.json": wordTokenizer(WORDS, "<s>") });
    expect(await tokenize("a cat", started, started)).toMatchObject({ sequences: [[4, 2]], prefix: [5] });
  });

  it("takes the tokenizer of one model where the other has none, and says so", async () => {
    const a = await model({});
    const b = await model({ "tokenizer.json": wordTokenizer(WORDS, null), "tokenizer_config.json": {} });
    for (const pair of [
      [a, b],
      [b, a],
    ] as const) {
      const { sequences, notes } = await tokenize("cat", ...pair);
      expect(sequences).toEqual([[2]]);
      expect(notes.join()).toContain(b.location);
    }
  });

  it("takes a tokenizer_config.json as Python writes it", async () => {
    const config = '{"model_max_length": Infinity, "x": NaN}';
    const a = await model({ "tokenizer.json": wordTokenizer(WORDS, null), "tokenizer_config.json": config });
    expect(await tokenize("cat", a, a)).toMatchObject({ sequences: [[2]] });
  });

  it("is refused where two tokenizers disagree on it", async () => {
    const a = await model({ "tokenizer.json": wordTokenizer(WORDS, null) });
    const b = await model({ "tokenizer.json": wordTokenizer([...WORDS].reverse(), null) });
    await refusal(tokenize("the cat", a, b), "TOKENIZERS_DIFFER");
    await refusal(
      tokenize("the cat", a, await model({ "tokenizer.json": wordTokenizer(WORDS, "<s>") })),
      "TOKENIZERS_DIFFER",
    );
  });

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["of an unknown kind", { ...wordTokenizer(WORDS, null), model: { type: "Abacus" } }],
  ])("is refused where tokenizer.json is %s", async (_, content) => {
    const checkpoint = await model({ "tokenizer.json": content });
    await refusal(tokenize("the cat", checkpoint, checkpoint), "TOKENIZER_UNUSABLE");
  });

  it("is refused where a pattern of tokenizer.json comes to no end", async () => {
    const pattern = { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated", invert: false };
    const hostile = await model({ "tokenizer.json": { ...wordTokenizer(WORDS, null), pre_tokenizer: pattern } });
    const error = await refusal(
      tokenize(`${"a".repeat(200)}!`, hostile, hostile, { limitMs: 300 }),
      "TOKENIZER_UNUSABLE",
    );
    expect(error.message).toMatch(/^tokenizer\.json came to no end within 1 s/);
    expect(error.detail).toContain("`readTokenIds`");
    // A text that the pattern has no trouble with is fine.
    expect(await tokenize("the", hostile, hostile)).toMatchObject({ sequences: [[1]] });
  });

  it.each([
    ["tokens without a number", { vocab: { "<unk>": "none", the: {} } }],
    ["tokens of a fraction", { vocab: { "<unk>": 0, the: 1.5 } }],
  ])("is refused where it becomes %s", async (_, wrong) => {
    const plain = wordTokenizer(WORDS, null) as { readonly model: object };
    const checkpoint = await model({ "tokenizer.json": { ...plain, model: { ...plain.model, ...wrong } } });
    await refusal(tokenize("the", checkpoint, checkpoint), "TOKENIZER_UNUSABLE");
  });

  it("is refused where there is no tokenizer at all", async () => {
    const checkpoint = await model({});
    const error = await refusal(tokenize("the cat", checkpoint, checkpoint), "TOKENIZER_UNUSABLE");
    expect(error.detail).toContain("`readTokenIds`");
  });

  it("is read no further than it can be needed, whole characters only", async () => {
    const path = join(temporaryDirectory(), "text");
    writeFileSync(path, "é".repeat(100));
    expect(await readText(path, 2)).toBe("é".repeat(16));
    writeFileSync(path, `x${"é".repeat(100)}`);
    expect(await readText(path, 2)).toBe(`x${"é".repeat(15)}`);
    expect(await readText(path, 1000)).toHaveLength(101);
    writeFileSync(path, Uint8Array.of(0x61, 0xff));
    await refusal(readText(path, 1000), "TOKENS_INVALID");
  });
});

describe("token ids", () => {
  const read = (content: string) => {
    const path = join(temporaryDirectory(), "ids.json");
    writeFileSync(path, content);
    return readTokenIds(path);
  };

  it.each([
    ["[1,2,3]", [[1, 2, 3]]],
    ["[[1,2],[3]]", [[1, 2], [3]]],
    ["[]", [[]]],
  ])("are read from %s", async (content, sequences) => {
    expect(await read(content)).toEqual({ sequences, prefix: [] });
  });

  it.each(["", "{}", "[1.5]", "[-1]", '["1"]', "[[1],2]", "[[[1]]]", "7", "[1e300]"])("are not %s", async (content) => {
    await refusal(read(content), "TOKENS_INVALID");
  });
});

it("a list of token ids larger than any text needs is refused, and fewer are asked for", async () => {
  const path = join(temporaryDirectory(), "ids.json");
  writeFileSync(path, "");
  truncateSync(path, (64 << 20) + 1);
  expect((await refusal(readTokenIds(path), "TOKENS_INVALID")).detail).toBe("Give fewer token ids.");
});
