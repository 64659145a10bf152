import { describe, expect, test } from "vitest";
import { addressOf } from "../../../../../src/rows/addressed-matrix.ts";
import { planOrientation } from "../../../../../src/watermark/carriers/orientation/flips.ts";
import { signGenerators } from "../../../../../src/watermark/carriers/orientation/generators.ts";
import { readOrientation } from "../../../../../src/watermark/carriers/orientation/projections.ts";
import { hostModel } from "../../../../../src/watermark/host/host-checkpoint.ts";
import type { HostModel } from "../../../../../src/watermark/host/host-model.ts";
import { modelKey } from "../../../../../src/watermark/key/model-key.ts";
import { PAYLOAD_CLASSES } from "../../../../../src/watermark/message/payload-class.ts";
import type { Model, ModelTensor } from "../../../../support/random-model.ts";
import { configOf, KINDS, smallTransformer } from "../../../../support/small-transformer.ts";
import { checkpointOf } from "../../../../support/stored-model.ts";

type Config = Readonly<Record<string, unknown>>;

const kindOf = (name: string) => KINDS.get(name)!;
const LLAMA = smallTransformer(kindOf("llama"), 1);
const LLAMA_CONFIG = configOf(kindOf("llama"));

async function hostOf(model: Model, config: Config | null): Promise<HostModel> {
  return hostModel(await checkpointOf(model, { config }));
}

function vector(length: number): ModelTensor {
  return { shape: [length], values: new Float32Array(length).fill(1), dtype: "F32" };
}

const kindsOf = (host: HostModel): string[] => [...new Set(signGenerators(host).map(({ kind }) => kind))].sort();

describe("matrices of a checkpoint", () => {
  test("fused attention is the same model as separate attention", async () => {
    const neox = kindOf("gpt_neox");
    const model = smallTransformer(neox, 3);
    const host = await hostOf(model, configOf(neox));
    const fused = model.get("gpt_neox.layers.1.attention.query_key_value.weight")!.values;
    const v = host.matrices.find(({ role, layer }) => role === "v" && layer === 1)!;
    expect([v.rows, v.cols]).toEqual([32, 32]);
    // Row 9 is row 1 of the second head, which follows q, k, v of the first and q and k of its own.
    expect(await v.read(9, 1)).toEqual(fused.slice((24 + 16 + 1) * 32, (24 + 17 + 1) * 32));
    expect((await v.read(6, 5)).length).toBe(5 * 32);
  });

  test.each(["model.layers.0.extra.q_proj.weight", "z.layers.0.self_attn.q_proj.weight"])(
    "an address that two matrices claim is the known name's, of the larger stack: not %s's",
    async (rival) => {
      const own = LLAMA.get("model.layers.0.self_attn.q_proj.weight")!;
      const twice = new Map([[rival, { ...own, values: new Float32Array(own.values.length) }], ...LLAMA]);
      const { matrices } = await hostOf(twice, LLAMA_CONFIG);
      const found = matrices.filter((matrix) => addressOf(matrix) === "language/0/q/-1");
      expect(found).toHaveLength(1);
      expect(await found[0]!.read(0, 1)).toEqual(own.values.slice(0, found[0]!.cols));
    },
  );
});

describe("heads", () => {
  const expected = { heads: 4, kvHeads: 2, headSize: 8 };
  test("come from the config, also from that of a part", async () => {
    expect((await hostOf(LLAMA, LLAMA_CONFIG)).heads).toEqual(expected);
    expect((await hostOf(LLAMA, { model_type: "llava", text_config: LLAMA_CONFIG })).heads).toEqual(expected);
  });

  test.each([
    ["there is no config", null],
    ["heads do not fit the rows", { ...LLAMA_CONFIG, num_attention_heads: 3 }],
    ["groups do not fit", { ...LLAMA_CONFIG, num_key_value_heads: 3 }],
    ["the head size is broken", { ...LLAMA_CONFIG, head_dim: null, num_attention_heads: 5 }],
    ["the counts are no numbers", { ...LLAMA_CONFIG, num_attention_heads: "4" }],
    ["the config names a prototype", { model_type: "__proto__" }],
  ])("are unknown where %s", async (_, config) => {
    const host = await hostOf(LLAMA, config);
    expect(host.heads).toBeNull();
    // Values can be read without heads; to change one, its query heads must be known.
    expect(kindsOf(host)).toEqual(host.symmetries.doubt === null ? ["neuron"] : ["neuron", "value"]);
  });

  test("come from the norms of keys without a config, and contradictions are believed on neither side", async () => {
    const kind = kindOf("qwen3");
    const model = smallTransformer(kind, 1);
    expect((await hostOf(model, null)).heads).toEqual({ heads: 4, kvHeads: 2, headSize: 12 });
    expect(
      (await hostOf(model, { ...configOf(kind), num_attention_heads: 8, num_key_value_heads: 4, head_dim: 6 })).heads,
    ).toBeNull();
    // A norm over all heads says nothing about one.
    const wide = new Map(model);
    for (const n of [0, 1]) {
      wide.set(`model.layers.${n}.self_attn.q_norm.weight`, vector(48));
      wide.set(`model.layers.${n}.self_attn.k_norm.weight`, vector(24));
    }
    expect((await hostOf(wide, null)).heads).toBeNull();
    expect((await hostOf(wide, configOf(kind))).heads).toEqual({ heads: 4, kvHeads: 2, headSize: 12 });
  });
});

describe("signs", () => {
  const layer = "model.layers.0";
  const doubts: readonly (readonly [string, Model, Config | null, RegExp])[] = [
    ["nothing names the architecture", LLAMA, null, /no config/],
    ["the architecture is unknown", LLAMA, { ...LLAMA_CONFIG, model_type: "llama-but-odd" }, /not one whose signs/],
    ["it is a method of objects", LLAMA, { ...LLAMA_CONFIG, model_type: "constructor" }, /not one whose signs/],
    ["no model_type is there", LLAMA, { ...LLAMA_CONFIG, model_type: 7 }, /no model_type/],
    ["the model brings its code", LLAMA, { ...LLAMA_CONFIG, auto_map: {} }, /code of its own/],
    [
      "a norm stands between values and output",
      new Map([...LLAMA, [`${layer}.self_attn.attn_sub_norm.weight`, vector(32)]]),
      LLAMA_CONFIG,
      /attn_sub_norm/,
    ],
    [
      "an unknown matrix acts in a layer",
      new Map([...LLAMA, [`${layer}.self_attn.g_proj.weight`, LLAMA.get(`${layer}.self_attn.q_proj.weight`)!]]),
      LLAMA_CONFIG,
      /g_proj/,
    ],
    [
      "a bias has another length",
      new Map([...LLAMA, [`${layer}.self_attn.v_proj.bias`, vector(4)]]),
      LLAMA_CONFIG,
      /v_proj\.bias/,
    ],
    [
      "weights have a scale beside them",
      new Map([...LLAMA, [`${layer}.mlp.up_proj.weight_scale`, vector(48)]]),
      LLAMA_CONFIG,
      /weight_scale/,
    ],
  ];
  test.each(doubts)("stay as they are when %s", async (_, model, config, reason) => {
    const host = await hostOf(model, config);
    expect(host.symmetries.doubt).toMatch(reason);
    const key = modelKey(new Uint8Array(32), "");
    const units = await readOrientation(host, key);
    expect(units.present).toBeGreaterThan(0);
    expect(planOrientation(units, new Int8Array(64).fill(1), PAYLOAD_CLASSES[0]!, key).size).toBe(0);
  });

  test("of keys stay when a norm between subtracts a mean", async () => {
    const cohere = kindOf("cohere");
    const model = smallTransformer(cohere, 1);
    for (const n of [0, 1])
      for (const x of ["q", "k"]) model.set(`model.layers.${n}.self_attn.${x}_norm.weight`, vector(8));
    const host = await hostOf(model, configOf(cohere));
    expect(host.symmetries).toEqual({ keys: null, doubt: null });
    expect(kindsOf(host)).toEqual(["neuron", "value"]);
  });

  test.each([0, -1, 2, 0.2, "1", Number.NaN])("of keys stay when the rotating share is %s", async (share) => {
    const neox = kindOf("gpt_neox");
    const host = await hostOf(smallTransformer(neox, 1), { ...configOf(neox), rotary_pct: share });
    expect(host.symmetries.keys).toBeNull();
  });

  test("of old exports with masks among the weights may change", async () => {
    const gpt2 = kindOf("gpt2");
    const mask: ModelTensor = { shape: [1, 1, 4, 4], values: new Float32Array(16), dtype: "F32" };
    const model = new Map([...smallTransformer(gpt2, 1), ["h.0.attn.bias", mask], ["h.1.attn.masked_bias", vector(1)]]);
    expect((await hostOf(model, configOf(gpt2))).symmetries.doubt).toBeNull();
  });

  test("of a plain feed-forward network are none", async () => {
    const neox = kindOf("gpt_neox");
    expect(kindsOf(await hostOf(smallTransformer(neox, 1), configOf(neox)))).toEqual(["key", "value"]);
  });

  test("go unread where shapes do not fit exactly", async () => {
    const narrow = new Map(LLAMA);
    const down = LLAMA.get("model.layers.0.mlp.down_proj.weight")!;
    narrow.set("model.layers.0.mlp.down_proj.weight", {
      ...down,
      shape: [32, 40],
      values: down.values.slice(0, 32 * 40),
    });
    const found = signGenerators(await hostOf(narrow, LLAMA_CONFIG));
    expect(found.filter(({ kind }) => kind === "neuron").map(({ source }) => source.layer)).toEqual([1]);
  });
});
