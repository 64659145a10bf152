import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../../../src/checkpoint/open-checkpoint.ts";
import { prng } from "../../../../../src/numerics/prng.ts";
import { watermarkCapacity } from "../../../../../src/watermark/capacity.ts";
import { parsePayload } from "../../../../../src/watermark/message/payload.ts";
import type { EmbedResult, VerifyResult } from "../../../../../src/watermark/result.ts";
import { embedAt, storeModel, verifyAt } from "../../../../support/keyed-model.ts";
import type { Model, ModelTensor } from "../../../../support/random-model.ts";
import { scratchDirectory } from "../../../../support/scratch-directory.ts";
import { gaussianLlama, testKey } from "../../../../support/spread-model.ts";
import { trainedRows } from "../../../../support/token-rows.ts";

const ROWS = 4096;
const COLS = 64;
/** Four thousand tokens of 64 numbers carry 128 bits at this strength; real vocabularies do with less. */
const RHO = 0.06;
const PAYLOAD = parsePayload("text:acme-7b release1");
const EMBED = "model.embed_tokens.weight";
const root = scratchDirectory();
const at = (name: string): string => join(root, name);

function tokens(seed: number): ModelTensor {
  return { shape: [ROWS, COLS], dtype: "F32", values: trainedRows(seed, ROWS, COLS) };
}

/** Layers too small for the other carriers, and a head of its own. */
const untied: Model = new Map([
  ...gaussianLlama(1, { width: COLS, hidden: 64, dtype: "F32" }),
  [EMBED, tokens(1)],
  ["lm_head.weight", tokens(2)],
]);

const names = Array.from({ length: ROWS }, (_, id) => `token ${id}`);
const tokenizerOf = (order: readonly string[]) => ({
  model: { vocab: Object.fromEntries(order.map((n, i) => [n, i])) },
});
const statisticOf = ({ carriers }: Pick<VerifyResult, "carriers">, name: string): number =>
  carriers.find((carrier) => carrier.name === name)!.statistic;

let written: EmbedResult;
let found: VerifyResult;
beforeAll(async () => {
  storeModel(at("model"), untied, { "tokenizer.json": tokenizerOf(names) });
  written = await embedAt(at("model"), at("marked"), { payload: PAYLOAD, rho: RHO });
  found = await verifyAt(at("marked"));
});

describe("token matrices in a release", () => {
  test("are marked as capacity and the plan say", async () => {
    const checkpoint = await openCheckpoint(at("model"));
    const capacity = await watermarkCapacity(checkpoint, { rho: RHO });
    await checkpoint.close();
    expect(found).toMatchObject({ present: true, payload: { text: "acme-7b release1", how: "decoded" } });
    for (const name of ["embedding", "head"]) {
      const planned = written.carriers.find((carrier) => carrier.name === name)!;
      const predicted = capacity.carriers.find((carrier) => carrier.name === name)!;
      expect(planned.payloadBits).toBe(128);
      expect(predicted.payloadBits).toBe(128);
      expect(planned.rms).toBeCloseTo(RHO, 2);
      // A mark this strong moves some tokens out of the lengths that are read.
      expect(statisticOf(found, name) / planned.achieved).toBeGreaterThan(0.93);
      expect(statisticOf(found, name) / planned.achieved).toBeLessThan(1.01);
      expect(predicted.statistic! / planned.achieved).toBeGreaterThan(0.8);
      expect(predicted.statistic! / planned.achieved).toBeLessThan(1.25);
    }
    expect(await verifyAt(at("marked"), { key: testKey(2) })).toMatchObject({ present: false, payload: null });
  });

  test("leave layers alone that carry nothing", async () => {
    const [before, after] = [await openCheckpoint(at("model")), await openCheckpoint(at("marked"))];
    for (const { name, begin, end, file } of before.tensors.values()) {
      const [x, y] = [before, after].map(({ files }) => files[file]!.source.read(begin, end));
      const same = Buffer.from(await x!).equals(Buffer.from(await y!));
      const signed = /self_attn|mlp/.test(name);
      if (!signed) expect([name, same]).toEqual([name, name !== EMBED && name !== "lm_head.weight"]);
    }
    await before.close();
    await after.close();
  });

  test("are found in another order by the names of tokens, from beside the weights or from a file", async () => {
    const { order, model } = await shuffled(at("marked"));
    const renamed = { "tokenizer.json": tokenizerOf([...order].map((from) => names[from]!)) };
    storeModel(at("reordered"), model, renamed);
    storeModel(at("bare"), model);

    const here = await verifyAt(at("reordered"));
    const named = await verifyAt(at("bare"), { tokenizer: join(at("reordered"), "tokenizer.json") });
    const bare = await verifyAt(at("bare"));
    // The one that was given could have been made for this suspect; the one beside the weights came with them.
    expect(named.caveats).toContainEqual(
      expect.stringMatching(/tokenizer that was given, and whoever chooses it can fit it/),
    );
    expect(here.caveats.join()).not.toMatch(/can fit it/);
    for (const name of ["embedding", "head"]) {
      const whole = statisticOf(found, name);
      expect(statisticOf(here, name) / whole).toBeCloseTo(1, 3);
      expect(statisticOf(named, name)).toBe(statisticOf(here, name));
      expect(statisticOf(bare, name)).toBeLessThan(0.5 * whole);
    }
  });

  test("get the same bytes where a tied head is stored twice", async () => {
    const model: Model = new Map([...untied, ["lm_head.weight", tokens(1)]]);
    const result = await embedAt(storeModel(at("tied"), model), at("tied-marked"), { rho: RHO });
    expect(result.carriers.map(({ name }) => name)).toEqual(["orientation", "spread", "embedding"]);
    const copy = await openCheckpoint(at("tied-marked"));
    const [embed, head] = await Promise.all(
      [EMBED, "lm_head.weight"].map(async (name) => {
        const { begin, end, file } = copy.tensors.get(name)!;
        return Buffer.from(await copy.files[file]!.source.read(begin, end));
      }),
    );
    await copy.close();
    expect(embed!.equals(head!)).toBe(true);
    expect(embed!.equals(Buffer.from(tokens(1).values.buffer))).toBe(false);
  });

  test("are brought back into order by the sketch where nothing names them", async () => {
    storeModel(at("nameless"), untied);
    await embedAt(at("nameless"), at("nameless-marked"), { payload: PAYLOAD, rho: RHO });
    const { model } = await shuffled(at("nameless-marked"));
    storeModel(at("nameless-shuffled"), model);
    const whole = statisticOf(await verifyAt(at("nameless-marked")), "embedding");
    const blind = await verifyAt(at("nameless-shuffled"));
    const aligned = await verifyAt(at("nameless-shuffled"), { reference: at("nameless-marked.sketch") });
    expect(statisticOf(blind, "embedding")).toBeLessThan(0.5 * whole);
    expect(statisticOf(aligned, "embedding") / whole).toBeGreaterThan(0.5);
    expect(aligned).toMatchObject({ present: true, payload: { text: "acme-7b release1" } });
  });
});

/** A stored model with its tokens in another order; token i is what was token order[i]. */
async function shuffled(path: string): Promise<{ order: Uint32Array; model: Map<string, ModelTensor> }> {
  const order = Uint32Array.from({ length: ROWS }, (_, i) => i);
  prng("vocabulary").shuffle(order);
  const checkpoint = await openCheckpoint(path);
  const model = new Map<string, ModelTensor>();
  for (const { name, shape, begin, end, file } of checkpoint.tensors.values()) {
    const values = new Float32Array((await checkpoint.files[file]!.source.read(begin, end)).slice().buffer);
    const moved = values.slice();
    if (shape[0] === ROWS) {
      order.forEach((from, to) => {
        moved.set(values.subarray(from * COLS, (from + 1) * COLS), to * COLS);
      });
    }
    model.set(name, { shape, dtype: "F32", values: moved });
  }
  await checkpoint.close();
  return { order, model };
}

describe("decoy tables", () => {
  test("beside the embedding and the head hide neither", async () => {
    const marked = await openCheckpoint(at("marked"));
    const own = await Promise.all(
      [...marked.tensors.values()].map(async ({ name, shape, begin, end, file }) => {
        const bytes = Uint8Array.from(await marked.files[file]!.source.read(begin, end));
        return [name, { shape, dtype: "F32", values: new Float32Array(bytes.buffer) }] as const;
      }),
    );
    await marked.close();
    const decoys: Model = new Map([
      ["a.embed_tokens.weight", tokens(3)],
      ["a.lm_head.weight", tokens(4)],
    ]);
    const among = new Map<string, ModelTensor>([...own, ...decoys]);
    const result = await verifyAt(storeModel(at("among"), among, { "tokenizer.json": tokenizerOf(names) }));
    for (const name of ["embedding", "head"])
      expect(statisticOf(result, name)).toBeCloseTo(statisticOf(found, name), 6);
    expect(result).toMatchObject({ present: true, payload: { text: "acme-7b release1" } });
    expect(result.log2Tried).toBeGreaterThan(found.log2Tried);
  });
});
