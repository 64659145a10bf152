import { chmodSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../../src/checkpoint/open-checkpoint.ts";
import { readKeyFile } from "../../../../src/watermark/key/key-file.ts";
import { parsePayload } from "../../../../src/watermark/message/payload.ts";
import type { VerifyResult } from "../../../../src/watermark/result.ts";
import { type VerifyOptions, verifyWatermark } from "../../../../src/watermark/verify.ts";
import { embedAt, storeModel, verifyAt } from "../../../support/keyed-model.ts";
import type { Model } from "../../../support/random-model.ts";
import { decoyStack, decoysOf, noise, readModel } from "../../../support/rivals.ts";
import { scratchDirectory } from "../../../support/scratch-directory.ts";
import { gaussianLlama, testKey } from "../../../support/spread-model.ts";
import { checkpointOf } from "../../../support/stored-model.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const config = {
  model_type: "llama",
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  num_hidden_layers: 2,
};
const root = scratchDirectory();
const sketch = { reference: join(root, "marked.sketch") };
let marked: Model;
let alone: VerifyResult;

beforeAll(async () => {
  storeModel(join(root, "model"), gaussianLlama(1, { layers: 2 }), { "config.json": config });
  await embedAt(join(root, "model"), join(root, "marked"), { payload: parsePayload("00c0ffee"), rho: 0.02 });
  marked = readModel(join(root, "marked"));
  alone = await verifyAt(join(root, "marked"));
});

/** The marked model among decoys. */
async function among(decoys: readonly Model[], options: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
  const model = new Map([...marked, ...decoys.flatMap((one) => [...one])]);
  return verifyWatermark(await checkpointOf(model, { config }), { key: testKey(1), threads: 0, ...options });
}

const statistics = ({ carriers }: VerifyResult) => carriers.map(({ name, statistic }) => [name, statistic] as const);
const FOUND = { present: true, level: "forensic", payload: { hex: "00c0ffee" } };

const many = (count: number, share: number): Model[] =>
  Array.from({ length: count }, (_, i) => decoyStack(marked, `decoy${i}.layers`, share));
const inLayer = (rename: (name: string) => string, share = 1): Model =>
  decoysOf(marked, (name) => (name.includes(".layers.") ? rename(name) : null), share);

/** How a thief may hide layers among tensors that no loader reads, and in how many ways they can then be read. */
const HIDING: readonly (readonly [string, () => readonly Model[], number])[] = [
  ["a stack of a fifteenth of the rows", () => [decoyStack(marked, "decoy.layers", 1 / 15)], 2],
  ["a stack of equal size whose name sorts first", () => [decoyStack(marked, "a.layers")], 2],
  ["a larger stack", () => [decoyStack(marked, "z.layers", 1.5)], 2],
  ["a stack of one layer", () => [new Map([...decoyStack(marked, "a.layers")].filter(([n]) => n.includes("s.1.")))], 3],
  ["four stacks of equal size", () => many(4, 1), 5],
  ["many stacks", () => many(40, 1 / 14), 16],
  [
    "a stack that makes the layers another component",
    () => [new Map([["visual.resblocks.0.x.weight", noise("x", 2)]])],
    2,
  ],
  ["patches that make them another component", () => [new Map([["patch_embed.proj.weight", noise("p", 4, 4)]])], 2],
  [
    "names in the layers that only words tell",
    () => [inLayer((name) => name.replace(/(self_attn|mlp)/, "extra"), 1 / 15)],
    1,
  ],
  ["wrapped names", () => [inLayer((name) => name.replace(/([a-z]+)_proj/, "base_layer.$1_proj"))], 2],
  ["bare names", () => [inLayer((name) => name.replace(/\.weight$/, ""), 1 / 15)], 2],
];

describe.each(HIDING)("a mark among decoys: %s", (_, decoys, ways) => {
  test("is found, at the price of the ways that were tried", async () => {
    const found = await among(decoys());
    expect(found).toMatchObject(FOUND);
    expect(found.log2Tried).toBeLessThanOrEqual(alone.log2Tried + Math.log2(ways) + 1e-9);
    for (const [name, statistic] of statistics(alone)) {
      expect(statistics(found).find(([other]) => other === name)![1]).toBeCloseTo(statistic, 6);
    }
    expect(found.caveats.some((caveat) => caveat.includes("claim the same places"))).toBe(ways > 1);
  });

  test("is found with the sketch", async () => {
    const found = await among(decoys(), sketch);
    expect(found).toMatchObject(FOUND);
    expect(found.alignment).toMatchObject({ layersMatched: 2 });
  });

  test("says nothing to another key", async () => {
    for (const seed of [2, 3]) {
      const found = await among(decoys(), { key: testKey(seed) });
      expect(found).toMatchObject({ present: false, level: "none", payload: null });
    }
  });
});

describe("tensors of one layer whose names tables know", () => {
  const twins: readonly (readonly [string, () => Model])[] = [
    ["attention under a second name", () => inLayer((name) => name.replace("self_attn.", "attn."))],
    ["a network under a second name", () => inLayer((name) => name.replace("mlp.", "ffn."))],
    ["one output projection more", () => inLayer((name) => name.replace("o_proj", "dense"))],
    [
      "fused attention",
      () =>
        new Map(
          [0, 1].map((n) => [`model.layers.${n}.self_attn.W_pack.weight`, noise(`fused ${n}`, 768, 256)] as const),
        ),
    ],
  ];
  test.each(twins)("are tried by name: %s", async (_, decoys) => {
    const found = await among([decoys()]);
    expect(found).toMatchObject(FOUND);
    const spread = (result: VerifyResult) => statistics(result).find(([name]) => name === "spread")![1];
    expect(spread(found)).toBeCloseTo(spread(alone), 6);
    expect(found.log2Tried).toBeGreaterThan(alone.log2Tried);
    const aligned = await among([decoys()], sketch);
    expect(aligned).toMatchObject(FOUND);
    expect(await among([decoys()], { key: testKey(2) })).toMatchObject({ present: false });
  });
});

describe("layers in another order", () => {
  test("are found among decoys with the sketch", async () => {
    const moved = new Map(marked);
    for (const role of ["gate", "up", "down"]) {
      const name = `model.layers.0.mlp.${role}_proj.weight`;
      const { shape, values, dtype } = marked.get(name)!;
      const [rows, cols] = shape as [number, number];
      const turned = values.map((_, at) => {
        const [i, j] = [Math.floor(at / cols), at % cols];
        return role === "down" ? values[i * cols + (cols - 1 - j)]! : values[(rows - 1 - i) * cols + j]!;
      });
      moved.set(name, { shape, dtype, values: turned });
    }
    const spread = async (decoys: readonly Model[]) =>
      statistics(await among([moved, ...decoys], sketch)).find(([name]) => name === "spread")![1];
    const whole = statistics(await among([], sketch)).find(([name]) => name === "spread")![1];
    expect(await spread([decoyStack(marked, "a.layers")])).toBeCloseTo(whole, 1);
  });
});

describe("a mark in a difference among decoys", () => {
  test("is found", async () => {
    const place = temporaryDirectory();
    const base = gaussianLlama(7);
    const tuned = new Map(
      [...base].map(([name, tensor]) => {
        const { values } = noise(`tuned ${name}`, ...tensor.shape);
        return [name, { ...tensor, values: tensor.values.map((x, i) => x + 0.2 * values[i]!) }] as const;
      }),
    );
    storeModel(join(place, "base"), base);
    storeModel(join(place, "tuned"), tuned);
    const source = await openCheckpoint(join(place, "base"));
    await embedAt(join(place, "tuned"), join(place, "marked"), { base: source, rho: 0.2 });
    const written = readModel(join(place, "marked"));
    const verify = async (model: Model) =>
      verifyWatermark(await checkpointOf(model), { key: testKey(1), threads: 0, base: source });
    const plain = await verify(written);
    expect(plain.present).toBe(true);
    for (const decoys of [decoyStack(written, "a.layers"), decoyStack(written, "z.layers", 1.5)]) {
      const found = await verify(new Map([...written, ...decoys]));
      expect(found.present).toBe(true);
      expect(found.log2Tried).toBeCloseTo(plain.log2Tried + 1, 9);
    }
    await source.close();
  });
});

describe("what is tried", () => {
  test("is bounded, and what is left out is said", async () => {
    const found = await among(many(40, 1 / 14));
    expect(found.log2Tried).toBeCloseTo(alone.log2Tried + 4, 9);
    expect(found.caveats.join()).toContain("25 more that claim the same places");
  });

  test("is nothing more where nothing is contested", async () => {
    expect(alone.caveats.join()).not.toContain("claim");
    const sound = await among([new Map([["vision_tower.layers.0.self_attn.q_proj.weight", noise("v", 64, 64)]])]);
    expect(sound.log2Tried).toBe(alone.log2Tried);
    expect(sound.log2P).toBe(alone.log2P);
  });
});

describe("the example's mark", () => {
  const examples = join(import.meta.dirname, "../../../../examples");
  test("has the figures that it always had, and among decoys all but the correction", async () => {
    const file = join(temporaryDirectory(), "demo.key");
    copyFileSync(join(examples, "demo.key"), file);
    chmodSync(file, 0o600);
    const key = await readKeyFile(file, null);
    const leaked = await openCheckpoint(join(examples, "models/leaked"));
    const found = await verifyWatermark(leaked, { key, threads: 0 });
    await leaked.close();
    expect(found.log2P).toBe(-682.2940751894523);
    expect(found.log2Tried).toBe(4.392317422778761);
    expect(statistics(found)[0]).toEqual(["orientation", 32.259453080419206]);
    const own = readModel(join(examples, "models/leaked"));
    const model = new Map([...own, ...decoyStack(own, "a.layers"), ...decoyStack(own, "b.layers", 1 / 15)]);
    const among = await verifyWatermark(await checkpointOf(model, { config: leaked.config }), { key, threads: 0 });
    expect(statistics(among)[0]).toEqual(statistics(found)[0]);
    expect(among.log2P).toBeCloseTo(found.log2P + Math.log2(3), 9);
  });
});

describe("embedding into a model with two stacks of layers", () => {
  test.each([
    ["the larger", 1.5, "z.layers"],
    ["the first of two that are equal", 1, "a.layers"],
  ])(
    "marks %s and says so",
    async (_, share, path) => {
      const place = temporaryDirectory();
      const plain = gaussianLlama(2, { layers: 2 });
      const model = new Map([...plain, ...decoyStack(plain, path, share)]);
      storeModel(join(place, "model"), model, { "config.json": config });
      const written = await embedAt(join(place, "model"), join(place, "marked"), { rho: 0.02 });
      expect(written.caveats.join()).toContain("claim places of others and are not marked");
      const [before, after] = [readModel(join(place, "model")), readModel(join(place, "marked"))];
      const changed = [...after].filter(([name, { values }]) =>
        values.some((x, i) => x !== before.get(name)!.values[i]),
      );
      expect(changed.length).toBeGreaterThanOrEqual(14);
      expect(changed.every(([name]) => name.startsWith(path))).toBe(true);
      expect(await verifyAt(join(place, "marked"))).toMatchObject({ present: true });
    },
    60_000,
  );
});
