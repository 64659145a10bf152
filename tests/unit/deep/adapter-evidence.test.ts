import { describe, expect, test } from "vitest";
import { adapterEvidence } from "../../../src/deep/adapter-evidence.ts";
import { attentionOfWeights } from "../../../src/deep/attention-source.ts";
import { halvesOf, predictedBlock } from "../../../src/deep/half-labels.ts";
import { loraAdapter } from "../../support/lora-adapter.ts";
import { type Model, type ModelTensor, randomModel } from "../../support/random-model.ts";
import { checkpointOf } from "../../support/stored-model.ts";

const DIMS = { width: 128, hidden: 64, layers: 2, vocabulary: 64 } as const;

async function evidence(adapter: Model, base: Model) {
  const found = await adapterEvidence(await checkpointOf(adapter), attentionOfWeights(await checkpointOf(base)));
  if (typeof found === "string") throw new Error(found);
  return found;
}

describe("adapterEvidence", () => {
  test("groups of queries are laid over values by the size of heads that tells most, and all sizes count", async () => {
    const base = randomModel({ init: 1 }, { ...DIMS, width: 256 });
    const { values, ways } = await evidence(loraAdapter(base, 1, { headSize: 64 }), base);
    expect(ways).toBe(4);
    for (const { r } of values) expect(r).toBeGreaterThan(0.4);
  });

  test("strangers: z is standard normal, and no tail is small", async () => {
    const models = Array.from({ length: 7 }, (_, i) => randomModel({ init: 100 + i }, DIMS));
    const z: number[] = [];
    for (const own of models) {
      const adapter = loraAdapter(own, models.indexOf(own), { stream: 1 });
      for (const base of models.filter((one) => one !== own)) {
        const { values, stream } = await evidence(adapter, base);
        expect(values.length + stream.length).toBe(4);
        for (const { swapZ, swapLog10P, fixedLog10P } of [...values, ...stream]) {
          z.push(swapZ);
          expect(Math.min(swapLog10P, fixedLog10P)).toBeGreaterThan(-4);
        }
      }
    }
    const mean = z.reduce((a, b) => a + b, 0) / z.length;
    expect(Math.abs(mean)).toBeLessThan(0.35);
    expect(Math.sqrt(z.reduce((a, x) => a + x * x, 0) / z.length)).toBeLessThan(1.25);
  });

  test.each(["gpt2", "neox", "phi3"] as const)("three in one, as %s has them", async (family) => {
    const base = randomModel({ init: 5 }, { ...DIMS, family });
    const found = await adapterEvidence(
      await checkpointOf(fused(family)),
      attentionOfWeights(await checkpointOf(base)),
    );
    expect(found).toMatchObject({ stream: { length: 2 }, values: { length: family === "neox" ? 0 : 2 } });
  });

  test("dimensions that stand in an order of their own are not tested", async () => {
    const base = new Map([...randomModel({ init: 6 }, DIMS)].map(([name, t]) => [name, smooth(t)]));
    expect((await evidence(loraAdapter(base, 6), base)).stream).toEqual([]);
  });

  test("few features predict what the same features among zeros do", () => {
    const values = randomModel({ init: 8 }, DIMS).get("model.embed_tokens.weight")!.values;
    const few = { rows: values.slice(0, 64 * 12), width: 12 };
    const many = { rows: new Float32Array(64 * 50), width: 50 };
    for (let i = 0; i < few.rows.length; i++) many.rows[Math.floor(i / 12) * 50 + (i % 12)] = few.rows[i]!;
    const target = { rows: values.slice(1000, 1000 + 64 * 4), width: 4 };
    const [one, other] = [few, many].map((side) => predictedBlock(side, target, ...halvesOf(64, 8))!.a);
    for (const [i, x] of one!.entries()) expect(other![i]).toBeCloseTo(x, 4);
  });

  test("halves of runs: half of every run in each", () => {
    const [one, other] = halvesOf(64, 8);
    expect([...one, ...other].sort((a, b) => a - b)).toEqual([...Array(64).keys()]);
    for (let run = 0; run < 8; run++) expect(one.filter((i) => i >> 3 === run)).toHaveLength(4);
  });
});

/** An adapter of fused attention, trained on nothing in particular. */
function fused(family: "gpt2" | "neox" | "phi3"): Model {
  const names = {
    gpt2: (n: number) => `transformer.h.${n}.attn.c_attn`,
    neox: (n: number) => `gpt_neox.layers.${n}.attention.query_key_value`,
    phi3: (n: number) => `model.layers.${n}.self_attn.qkv_proj`,
  };
  const { width } = DIMS;
  const outputs = family === "phi3" ? 2 * width : 3 * width;
  const noise = randomModel({ init: 9 }, { ...DIMS, family: "llama", vocabulary: outputs });
  const values = noise.get("model.embed_tokens.weight")!.values;
  const adapter = new Map<string, ModelTensor>();
  for (let n = 0; n < DIMS.layers; n++) {
    const at = `base_model.model.${names[family](n)}`;
    adapter.set(`${at}.lora_A.weight`, { shape: [4, width], values: values.slice(0, 4 * width), dtype: "F32" });
    adapter.set(`${at}.lora_B.weight`, {
      shape: [outputs, 4],
      values: values.slice(width, width + 4 * outputs),
      dtype: "F32",
    });
  }
  return adapter;
}

/** Every column much like the one before it. */
function smooth(tensor: ModelTensor): ModelTensor {
  const [, cols] = tensor.shape as [number, number?];
  if (cols === undefined) return tensor;
  const values = tensor.values.slice();
  for (let i = 0; i < values.length; i++) if (i % cols > 0) values[i] = 0.9 * values[i - 1]! + 0.4 * values[i]!;
  return { ...tensor, values };
}
