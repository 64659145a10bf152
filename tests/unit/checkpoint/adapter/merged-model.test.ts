import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../../../src/errors.ts";
import { drawn, type Merging, mergedOf, modelOf, product, valuesOf } from "../../../support/merging.ts";
import type { ModelTensor } from "../../../support/random-model.ts";
import { refusal } from "../../../support/refusal.ts";

const MODULE = "model.layers.0.mlp.up_proj";
const WEIGHT = `${MODULE}.weight`;
const WRAPPED = `base_model.model.${MODULE}`;
const LORA = { peft_type: "LORA", r: 4, lora_alpha: 8 };

const base = modelOf({
  [WEIGHT]: drawn([12, 10], "w", "BF16"),
  "model.layers.0.mlp.down_proj.weight": drawn([10, 12], "d"),
  "model.layers.0.norm.weight": drawn([10], "n"),
  "model.embed_tokens.weight": drawn([20, 10], "e"),
});
const a = drawn([4, 10], "a");
const b = drawn([12, 4], "b");
const factors = { [`${WRAPPED}.lora_A.weight`]: a, [`${WRAPPED}.lora_B.weight`]: b };

const refusedWith = (tensors: Readonly<Record<string, ModelTensor>>, merging: Merging, code: ErrorCode) =>
  refusal(mergedOf(modelOf(tensors), base, merging), code);

function close(values: Float32Array, expected: readonly number[]): void {
  expect(values.length).toBe(expected.length);
  for (const [i, value] of values.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-5);
}

const summed = (weight: Float32Array, change: number[][], scale: number): number[] =>
  change.flat().map((x, i) => weight[i]! + scale * x);

describe("an adapter merged while reading", () => {
  it("adds the scaled product of its factors, and leaves the rest where it lies", async () => {
    const merged = await mergedOf(modelOf(factors), base, { config: LORA });
    const { values } = base.get(WEIGHT)!;
    const stored = await valuesOf(
      await mergedOf(
        modelOf({ ...factors, [`${WRAPPED}.lora_B.weight`]: { ...b, values: b.values.map(() => 0) } }),
        base,
        { config: LORA },
      ),
      WEIGHT,
    );
    close(stored, [...stored]);
    expect(Math.abs(stored[0]! - values[0]!)).toBeLessThan(0.02);
    close(await valuesOf(merged, WEIGHT), summed(stored, product(b, a), 2));
    expect(merged.tensors.get(WEIGHT)).toMatchObject({
      dtype: "F32",
      shape: [12, 10],
      scheme: "LoRA of rank 4, scale 2",
    });
    expect(merged.tensors.get("model.layers.0.norm.weight")!.file).toBe(0);
    expect(merged.location).toBe("memory+memory");
    expect(merged.givenBase).toBe("memory");
    expect(merged.notes).toContain("merged while reading: LoRA of rank 4, scale 2 in 1 tensors");
  });

  it("gives the same bits for every row, however many are read, near or far", async () => {
    const near = await mergedOf(modelOf(factors), base, { config: LORA });
    const far = await mergedOf(modelOf(factors), base, { config: LORA, far: true });
    const whole = await valuesOf(near, WEIGHT);
    expect(await valuesOf(far, WEIGHT)).toEqual(whole);
    for (const [first, count] of [
      [0, 1],
      [7, 25],
      [119, 1],
      [30, 10],
    ] as const) {
      expect(await valuesOf(near, WEIGHT, first, count)).toEqual(whole.slice(first, first + count));
      expect(await valuesOf(far, WEIGHT, first, count)).toEqual(whole.slice(first, first + count));
    }
    expect(await valuesOf(far, "model.layers.0.norm.weight")).toEqual(base.get("model.layers.0.norm.weight")!.values);
  });

  it("scales by the root of the rank where it says so, and by patterns of ranks and scales", async () => {
    const zero = modelOf({ [WEIGHT]: { ...drawn([12, 10], "w"), values: new Float32Array(120) } });
    const merged = (config: object) => mergedOf(modelOf(factors), zero, { config: { ...LORA, ...config } });
    const nothing = new Float32Array(120);
    close(await valuesOf(await merged({ use_rslora: true }), WEIGHT), summed(nothing, product(b, a), 4));
    const patterns = { r: 9, rank_pattern: { "mlp.up_proj": 4 }, alpha_pattern: { "^model.layers.[0-9]+.mlp.*": 2 } };
    close(await valuesOf(await merged(patterns), WEIGHT), summed(nothing, product(b, a), 0.5));
  });

  it("gives DoRA's rows the lengths of its magnitudes", async () => {
    const lengths = drawn([12], "m");
    const dora = { ...factors, [`${WRAPPED}.lora_magnitude_vector`]: lengths };
    const merged = await mergedOf(modelOf(dora), base, { config: { ...LORA, use_dora: true } });
    const values = await valuesOf(merged, WEIGHT);
    for (let i = 0; i < 12; i++) {
      const row = values.subarray(i * 10, (i + 1) * 10);
      expect(Math.hypot(...row)).toBeCloseTo(Math.abs(lengths.values[i]!), 4);
    }
  });

  it("finds its modules where one of both is wrapped", async () => {
    const bare = modelOf({ "layers.0.mlp.up_proj.weight": drawn([12, 10], "w") });
    const deep = modelOf({ [`language_model.${WEIGHT}`]: drawn([12, 10], "w") });
    for (const [model, name] of [
      [bare, "layers.0.mlp.up_proj.weight"],
      [deep, `language_model.${WEIGHT}`],
    ] as const) {
      const merged = await mergedOf(modelOf(factors), model, { config: LORA });
      expect(merged.tensors.get(name)!.scheme).toMatch(/^LoRA/);
    }
    const two = modelOf({ [`a.${WEIGHT}`]: drawn([12, 10], "w"), [`b.${WEIGHT}`]: drawn([12, 10], "v") });
    const error = await refusal(mergedOf(modelOf(factors), two, { config: LORA }), "ADAPTER_AMBIGUOUS");
    expect(error.message).toContain(`"a.${MODULE}" or "b.${MODULE}"`);
  });

  it("takes what was trained whole in the place of the base's, an extended vocabulary as well", async () => {
    const table = drawn([23, 10], "t");
    const head = drawn([3, 10], "h");
    const whole = { "base_model.model.model.embed_tokens.weight": table, "base_model.model.score.weight": head };
    const config = { ...LORA, modules_to_save: ["score"] };
    const merged = await mergedOf(modelOf({ ...factors, ...whole }), base, { config });
    expect(await valuesOf(merged, "model.embed_tokens.weight")).toEqual(table.values);
    expect(await valuesOf(merged, "score.weight")).toEqual(head.values);
    await refusedWith({ ...factors, ...whole }, { config: LORA }, "ADAPTER_MISFIT");
    const narrow = { "base_model.model.model.embed_tokens.weight": drawn([20, 9], "t") };
    const error = await refusedWith({ ...factors, ...narrow }, { config: LORA }, "ADAPTER_MISFIT");
    expect(error.message).toBe('is 20 x 9, and "model.embed_tokens.weight" of the base is 20 x 10');
  });

  it("names what does not fit, with both shapes", async () => {
    const wide = { ...factors, [`${WRAPPED}.lora_A.weight`]: drawn([4, 11], "a") };
    const error = await refusedWith(wide, { config: LORA }, "ADAPTER_MISFIT");
    expect(error.message).toBe(`changes a matrix of 12 x 11, and "${WEIGHT}" of the base is 12 x 10`);
    expect(error.tensor).toBe(`${WRAPPED}.lora_A.weight`);
    const other = {
      "base_model.model.model.layers.9.mlp.up_proj.lora_A.weight": a,
      "base_model.model.model.layers.9.mlp.up_proj.lora_B.weight": b,
    };
    const absent = await refusedWith({ ...factors, ...other }, { config: LORA }, "ADAPTER_MISFIT");
    expect(absent.message).toContain('"model.layers.9.mlp.up_proj"');
  });

  it("refuses factors that do not belong together", async () => {
    const [nameA, nameB] = Object.keys(factors) as [string, string];
    await refusedWith({ [nameA]: a }, { config: LORA }, "ADAPTER_MALFORMED");
    await refusedWith({ [nameA]: a, [nameB]: drawn([12, 5], "b") }, { config: LORA }, "ADAPTER_MALFORMED");
    await refusedWith(factors, { config: { ...LORA, r: 5 } }, "ADAPTER_MALFORMED");
    await refusedWith({ ...factors, [`${WRAPPED}.lora_A.default.weight`]: a }, { config: LORA }, "ADAPTER_MALFORMED");
    await refusedWith({ ...factors, [`${WRAPPED}.hada_w1_a`]: b }, { config: LORA }, "ADAPTER_MALFORMED");
    await refusedWith(
      { [nameA]: drawn([0, 10], "a"), [nameB]: drawn([12, 0], "b") },
      { config: { ...LORA, r: 0 } },
      "ADAPTER_CONFIG_INVALID",
    );
    await refusedWith(factors, { config: { ...LORA, use_dora: true } }, "ADAPTER_MALFORMED");
  });

  it("refuses settings that are missing, or say what cannot be", async () => {
    await refusedWith(factors, {}, "ADAPTER_CONFIG_INVALID");
    for (const alpha of ["NaN", "Infinity", "-Infinity", '"8"', "1e999"]) {
      await refusedWith(
        factors,
        { config: `{"peft_type": "LORA", "r": 4, "lora_alpha": ${alpha}}` },
        "ADAPTER_CONFIG_INVALID",
      );
    }
    for (const rank of [-4, 0.5, 1e9, "4"]) {
      await refusedWith(factors, { config: { ...LORA, r: rank } }, "ADAPTER_CONFIG_INVALID");
    }
    await refusedWith(factors, { config: "[]" }, "ADAPTER_CONFIG_INVALID");
    await refusedWith(factors, { config: "{" }, "ADAPTER_CONFIG_INVALID");
    await refusedWith(factors, { config: { ...LORA, rank_pattern: { x: "y" } } }, "ADAPTER_CONFIG_INVALID");
  });

  it("names the kinds that it does not merge", async () => {
    for (const config of [
      { ...LORA, peft_type: "OFT" },
      { ...LORA, peft_type: 7 },
      { ...LORA, init_lora_weights: "pissa_niter_4" },
      { ...LORA, target_parameters: ["mlp.experts.gate_up_proj"] },
      { ...LORA, rank_pattern: { "(a+)+$": 3 } },
    ]) {
      await refusedWith(factors, { config }, "ADAPTER_UNSUPPORTED");
    }
    const vera = { ...factors, "base_model.vera_A": a };
    await refusedWith(vera, { config: LORA }, "ADAPTER_UNSUPPORTED");
    await refusal(
      mergedOf(modelOf(factors), modelOf({ [WEIGHT]: { ...drawn([12], "w") } }), { config: LORA }),
      "ADAPTER_UNSUPPORTED",
    );
    await refusedWith({ "model.layers.0.mlp.up_proj.weight": a }, {}, "ADAPTER_NOT_FOUND");
  });
});

describe("adapters of other programs", () => {
  const flat = "lora_te_text_model_encoder_layers_0_fc_1";
  const text = modelOf({ "text_model.encoder.layers.0.fc_1.weight": drawn([12, 10], "w") });
  const kohya = (alpha: number) => ({
    [`${flat}.lora_down.weight`]: a,
    [`${flat}.lora_up.weight`]: b,
    [`${flat}.alpha`]: { shape: [], dtype: "F32", values: Float32Array.of(alpha) } as ModelTensor,
  });

  it("are scaled by what is stored beside the factors", async () => {
    const merged = await mergedOf(modelOf(kohya(2)), text);
    const { values } = text.get("text_model.encoder.layers.0.fc_1.weight")!;
    close(await valuesOf(merged, "text_model.encoder.layers.0.fc_1.weight"), summed(values, product(b, a), 0.5));
    for (const alpha of [Number.NaN, Number.POSITIVE_INFINITY]) {
      await refusal(mergedOf(modelOf(kohya(alpha)), text), "ADAPTER_MALFORMED");
    }
  });

  it("are refused where a flattened name could be two modules", async () => {
    const two = modelOf({
      "text_model.encoder.layers.0.fc_1.weight": drawn([12, 10], "w"),
      "text_model.encoder.layers.0.fc.1.weight": drawn([12, 10], "v"),
    });
    await refusal(mergedOf(modelOf(kohya(2)), two), "ADAPTER_AMBIGUOUS");
  });

  it("leave out what is for another model of the pipeline, and say so", async () => {
    const unet = {
      "unet.down_blocks.0.attn.to_q.lora.down.weight": a,
      "unet.down_blocks.0.attn.to_q.lora.up.weight": b,
    };
    const merged = await mergedOf(modelOf({ ...kohya(2), ...unet }), text);
    expect(merged.notes).toContain("what the adapter has for other models of a pipeline was left out: unet");
    await refusal(mergedOf(modelOf(unet), text), "ADAPTER_MISFIT");
  });

  it("are scaled by the header that diffusers writes", async () => {
    const dotted = {
      "text_encoder.text_model.encoder.layers.0.fc_1.lora_A.weight": a,
      "text_encoder.text_model.encoder.layers.0.fc_1.lora_B.weight": b,
    };
    const { values } = text.get("text_model.encoder.layers.0.fc_1.weight")!;
    const plain = await mergedOf(modelOf(dotted), text);
    close(await valuesOf(plain, "text_model.encoder.layers.0.fc_1.weight"), summed(values, product(b, a), 1));
    const metadata = { lora_adapter_metadata: JSON.stringify({ "text_encoder.r": 4, "text_encoder.lora_alpha": 12 }) };
    const scaled = await mergedOf(modelOf(dotted), text, { metadata });
    close(await valuesOf(scaled, "text_model.encoder.layers.0.fc_1.weight"), summed(values, product(b, a), 3));
  });
});
