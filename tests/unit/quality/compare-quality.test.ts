import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { wasmEngine } from "../../../src/numerics/wasm-engine.ts";
import { compareQuality } from "../../../src/quality/compare-quality.ts";
import { hiddenStates } from "../../../src/quality/forward.ts";
import { logitBand } from "../../../src/quality/logits.ts";
import { openModel } from "../../../src/quality/model.ts";
import { forwardFixture, hashedCheckpoint, hashedModel } from "../../support/hashed-model.ts";
import type { Model, ModelTensor } from "../../support/random-model.ts";
import { refusal } from "../../support/refusal.ts";
import { fileOf } from "../../support/stored-model.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const text = Array.from({ length: 150 }, (_, i) => (7 * i * i + i) % 23);
const tokens = { sequences: [text], prefix: [] };

/** Every weight of the feed-forward off by `size` of itself, up and down in turn. */
function disturb(model: Map<string, ModelTensor>, size: number): void {
  for (const [name, { shape, values, dtype }] of model) {
    if (!name.includes("mlp")) continue;
    model.set(name, { shape, dtype, values: values.map((x, i) => x * (1 + (i % 2 === 0 ? size : -size))) });
  }
}

/** The figures by their definitions, all logits at once. */
async function expected(name: string, size: number, context: number) {
  const windows = Array.from({ length: Math.ceil(text.length / context) }, (_, i) =>
    text.slice(i * context, (i + 1) * context),
  );
  const logits = [0, size].map(async (change) => {
    const model = openModel(await hashedCheckpoint(name, (tensors) => disturb(tensors, change)));
    const hidden = await hiddenStates(wasmEngine(), model, windows);
    return logitBand(wasmEngine(), model, hidden, 0, model.architecture.vocabulary);
  });
  const [a, b] = (await Promise.all(logits)) as [Float32Array, Float32Array];
  const vocabulary = a.length / text.length;
  const sums = { nllA: 0, nllB: 0, divergence: 0, same: 0, tokens: 0, largest: 0 };
  let row = 0;
  for (const window of windows) {
    for (let i = 0; i < window.length; i++, row++) {
      const [p, q] = [a, b].map((all) => logSoftmax([...all.subarray(row * vocabulary, (row + 1) * vocabulary)]));
      const next = window[i + 1];
      if (next === undefined) continue;
      sums.tokens++;
      sums.nllA -= p![next]!;
      sums.nllB -= q![next]!;
      for (let j = 0; j < vocabulary; j++) sums.divergence += Math.exp(p![j]!) * (p![j]! - q![j]!);
      if (p!.indexOf(Math.max(...p!)) === q!.indexOf(Math.max(...q!))) sums.same++;
    }
  }
  a.forEach((x, i) => {
    sums.largest = Math.max(sums.largest, Math.abs(x - b[i]!));
  });
  return sums;
}

function logSoftmax(x: readonly number[]): number[] {
  const most = Math.max(...x);
  const total = most + Math.log(x.reduce((sum, value) => sum + Math.exp(value - most), 0));
  return x.map((value) => value - total);
}

describe("the figures", () => {
  it.each([
    ["llama", 0.1, 30],
    ["gemma2", 0.02, 37],
  ] as const)("of %s are what their definitions say", async (name, size, context) => {
    const sums = await expected(name, size, context);
    const a = await hashedCheckpoint(name);
    const b = await hashedCheckpoint(name, (model) => disturb(model, size));
    const result = await compareQuality(a, b, tokens, { context, threads: 0 });
    expect(result.tokens).toBe(sums.tokens);
    expect(result.windows).toBe(Math.ceil(text.length / context));
    expect(result.nll.a).toBeCloseTo(sums.nllA / sums.tokens, 10);
    expect(result.nll.difference).toBeCloseTo((sums.nllB - sums.nllA) / sums.tokens, 10);
    expect(result.perplexity.ratio).toBeCloseTo(Math.exp((sums.nllB - sums.nllA) / sums.tokens), 10);
    expect(result.divergence).toBeCloseTo(sums.divergence / sums.tokens, 10);
    expect(result.agreement).toBeCloseTo(sums.same / sums.tokens, 12);
    expect(result.logits).toEqual({ compared: 23 * text.length, maxDifference: sums.largest, bitEqual: false });
    expect(result.nll.interval!.low).toBeLessThan(result.nll.difference);
    expect(result.nll.interval!.high).toBeGreaterThan(result.nll.difference);
  });

  it("of a model against itself are zero, and every logit is equal", async () => {
    const model = await hashedCheckpoint("qwen3");
    const { nll, divergence, agreement, logits, summary } = await compareQuality(model, model, tokens);
    expect(nll).toMatchObject({ difference: 0, interval: { low: 0, high: 0 } });
    expect([divergence, agreement]).toEqual([0, 1]);
    expect(logits).toMatchObject({ maxDifference: 0, bitEqual: true });
    expect(summary).toContain("equal to the bit");
  });

  it("see a difference of one unit in the last place", async () => {
    const a = await hashedCheckpoint("llama");
    const b = await hashedCheckpoint("llama", (model) => {
      const { shape, values, dtype } = model.get("lm_head.weight")!;
      model.set("lm_head.weight", { shape, dtype, values: values.with(100, values[100]! * (1 + 2 ** -23)) });
    });
    const { logits } = await compareQuality(a, b, tokens);
    expect(logits.bitEqual).toBe(false);
    expect(logits.maxDifference).toBeLessThan(1e-5);
  });
});

it("a model that computes no numbers is called that, not equal to itself", async () => {
  const broken = await hashedCheckpoint("llama", (model) => {
    const { shape, values, dtype } = model.get("model.norm.weight")!;
    model.set("model.norm.weight", { shape, dtype, values: values.with(3, Number.NaN) });
  });
  const { nll, agreement, logits, summary } = await compareQuality(broken, broken, tokens);
  expect([nll.a, nll.difference, logits.maxDifference]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect(agreement).toBe(0);
  expect(summary).toContain("not finite");
});

describe("what is run", () => {
  it("is cut to the positions a model has, and to --max-tokens", async () => {
    const model = await hashedCheckpoint("llama");
    const long = { sequences: [Array.from({ length: 900 }, (_, i) => i % 23)], prefix: [1] };
    const result = await compareQuality(model, model, long, { context: 4096, maxTokens: 600 });
    expect(result).toMatchObject({ context: 256, windows: 3, tokens: 600 });
    expect(result.caveats.join()).toContain("256 positions");
  });

  it("is compared over the logits in common where a vocabulary was padded", async () => {
    const a = await hashedCheckpoint("llama");
    const padded = hashedModel(forwardFixture("llama"));
    for (const name of ["lm_head.weight", "model.embed_tokens.weight"]) {
      const { values, dtype } = padded.get(name)!;
      const more = new Float32Array(32 * 32);
      more.set(values);
      padded.set(name, { shape: [32, 32], values: more, dtype });
    }
    const directory = save(padded, { ...forwardFixture("llama").config, vocab_size: 32 });
    const b = await openCheckpoint(directory);
    const result = await compareQuality(a, b, tokens);
    expect(result).toMatchObject({ vocabulary: 23, logits: { bitEqual: true } });
    expect(result.caveats.join()).toContain("23 and 32 logits");
    await refusal(compareQuality(a, b, { sequences: [[1, 25]], prefix: [] }), "TOKENS_INVALID");
    await b.close();
  });

  it("comes out the same on threads", async () => {
    const fixture = forwardFixture("qwen2");
    const marked = hashedModel(fixture);
    disturb(marked, 0.01);
    const locations = [save(hashedModel(fixture), fixture.config), save(marked, fixture.config)];
    const [a, b] = await Promise.all(locations.map((location) => openCheckpoint(location)));
    const steps: number[] = [];
    const [here, there] = await Promise.all(
      [0, 2].map((threads) =>
        compareQuality(a!, b!, tokens, { context: 20, threads, onProgress: (done) => steps.push(done) }),
      ),
    );
    const { models: _, ...figures } = here!;
    expect(there).toMatchObject(figures);
    expect(steps.filter((done) => done === text.length)).toHaveLength(2);
    await a!.close();
    await b!.close();
  });

  it("reports what a worker refuses as it would here", async () => {
    const fixture = forwardFixture("llama");
    const directory = save(hashedModel(fixture), fixture.config);
    const checkpoint = await openCheckpoint(directory);
    writeFileSync(join(directory, "config.json"), JSON.stringify({ ...fixture.config, model_type: "mamba" }));
    await refusal(compareQuality(checkpoint, checkpoint, tokens, { context: 20, threads: 1 }), "FORWARD_UNSUPPORTED");
    await checkpoint.close();
  });
});

function save(model: Model, config: unknown): string {
  const directory = temporaryDirectory();
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "model.safetensors"), fileOf(model));
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  return directory;
}

describe("a comparison of qualities", () => {
  it.each([0, 1])("can be given up (%s threads)", async (threads) => {
    const model = await hashedCheckpoint("llama");
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(compareQuality(model, model, tokens, { threads, signal })).rejects.toBe(reason);
  });
});
