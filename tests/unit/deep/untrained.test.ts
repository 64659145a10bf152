import { expect, test } from "vitest";
import { tokenHash } from "../../../src/alignment/token-hashes.ts";
import type { DeepModel } from "../../../src/deep/deep-model.ts";
import { untrainedTokens } from "../../../src/deep/untrained.ts";
import { neuronViews } from "../../../src/deep/views.ts";
import { prng } from "../../../src/numerics/prng.ts";

const WIDTH = 32;
const VOCABULARY = 300;

/** A model of which only the tables are asked for. */
function model(about: Partial<DeepModel>, rows?: { embedding: Float32Array; head: Float32Array }): DeepModel {
  const take = (table: Float32Array, ids: readonly number[]): Float32Array =>
    Float32Array.from(ids.flatMap((id) => [...table.subarray(id * WIDTH, (id + 1) * WIDTH)]));
  return {
    width: WIDTH,
    vocabulary: VOCABULARY,
    head: null,
    texts: null,
    embedding: async (ids: readonly number[]) => take(rows!.embedding, ids),
    readers: async (_: unknown, ids: readonly number[]) => take(rows!.head, ids),
    ...about,
  } as DeepModel;
}

test("tokens by names that no text has, and rows beyond the tokenizer", async () => {
  const names = ["the", "[unused0]", "[unused17]", "<|reserved_special_token_3|>", "<extra_id_5>", "[UNUSED1]", "À"];
  const words = Array.from({ length: 280 }, (_, i) => names[i] ?? `word${i}`);
  const texts = new Map(words.map((word, id) => [id, tokenHash(word)] as const));
  const found = await untrainedTokens(model({ texts }));
  expect(found).toEqual([1, 2, 3, 4, 6, ...Array.from({ length: 20 }, (_, i) => 280 + i)]);
});

test("without names, rows of a head that all were pushed alike, and none of a tied head", async () => {
  const random = prng("untrained");
  const embedding = Float32Array.from({ length: VOCABULARY * WIDTH }, () => random.normal());
  const head = Float32Array.from({ length: VOCABULARY * WIDTH }, () => random.normal());
  const push = Array.from({ length: WIDTH }, () => random.normal());
  const never = [5, 40, 41, 100, ...Array.from({ length: 20 }, (_, i) => 200 + 3 * i)];
  for (const id of never) {
    for (let j = 0; j < WIDTH; j++) {
      embedding[id * WIDTH + j]! *= 0.2;
      head[id * WIDTH + j] = push[j]! + 0.05 * head[id * WIDTH + j]!;
    }
  }
  const rows = { embedding, head };
  expect(await untrainedTokens(model({ head: {} as DeepModel["head"] }, rows))).toEqual(never);
  expect(await untrainedTokens(model({}, rows))).toEqual([]);
});

test("a network of more neurons than any has is not looked at", async () => {
  const gate = { rows: (1 << 17) + 1, cols: WIDTH } as never;
  expect(await neuronViews(model({}), { gate, up: null, down: null }, new Float32Array(WIDTH))).toBeNull();
});
