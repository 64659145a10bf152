import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../../src/checkpoint/checkpoint.ts";
import { wasmEngine } from "../../../src/numerics/wasm-engine.ts";
import { hiddenStates, type Windows } from "../../../src/quality/forward.ts";
import { logitBand } from "../../../src/quality/logits.ts";
import { openModel } from "../../../src/quality/model.ts";
import { FORWARD_CASES, forwardFixture, hashedModel, withConfig } from "../../support/hashed-model.ts";

const engine = wasmEngine();

async function logitsOf(checkpoint: Checkpoint, windows: Windows): Promise<Float32Array> {
  const model = openModel(checkpoint);
  const hidden = await hiddenStates(engine, model, windows);
  return logitBand(engine, model, hidden, 0, model.architecture.vocabulary);
}

/** Largest difference over the largest value. */
function distance(a: Float32Array, b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i]!)), 0) / largest;
}

describe("logits are those of the reference library", () => {
  it("for every family", () => {
    const types = new Set(FORWARD_CASES.map((name) => forwardFixture(name).config.model_type));
    expect([...types].sort()).toEqual([
      "gemma",
      "gemma2",
      "gemma3_text",
      "gpt2",
      "gpt_neox",
      "llama",
      "mistral",
      "qwen2",
      "qwen3",
    ]);
  });

  it.each(FORWARD_CASES)("%s", async (name) => {
    const fixture = forwardFixture(name);
    const checkpoint = await withConfig(hashedModel(fixture), fixture.config);
    expect(distance(await logitsOf(checkpoint, fixture.tokens), fixture.logits)).toBeLessThan(1e-5);
  });
});

/** Fields that must move the logits: a reader that skipped one would pass nowhere else. */
const TELLING: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ["llama", { rms_norm_eps: 0.1 }],
  ["llama", { hidden_act: "gelu" }],
  ["llama", { rope_parameters: { rope_type: "default", rope_theta: 20 } }],
  ["llama-linear", { rope_parameters: { rope_type: "linear", factor: 2, rope_theta: 500 } }],
  ["mistral", { sliding_window: 3 }],
  ["qwen2-windows", { layer_types: ["sliding_attention", "sliding_attention"] }],
  ["gemma2", { attn_logit_softcapping: null }],
  ["gemma2", { final_logit_softcapping: 2 }],
  ["gemma2", { query_pre_attn_scalar: 16 }],
  ["gemma3", { sliding_window: 2 }],
  ["gpt-neox", { use_parallel_residual: false }],
  ["gpt2", { activation_function: "gelu" }],
  ["gpt2-wide", { scale_attn_weights: true }],
];

describe("config.json", () => {
  it.each(TELLING)("of %s: %j counts", async (name, change) => {
    const fixture = forwardFixture(name);
    const checkpoint = await withConfig(hashedModel(fixture), { ...fixture.config, ...change });
    expect(distance(await logitsOf(checkpoint, fixture.tokens), fixture.logits)).toBeGreaterThan(1e-4);
  });

  const older: readonly (readonly [string, readonly string[], Readonly<Record<string, unknown>>])[] = [
    ["llama", ["rope_parameters", "head_dim", "attention_bias", "mlp_bias", "hidden_act"], { rope_theta: 10_000 }],
    [
      "llama-llama3",
      ["rope_parameters"],
      {
        rope_theta: 100,
        rope_scaling: {
          rope_type: "llama3",
          factor: 4,
          low_freq_factor: 1,
          high_freq_factor: 4,
          original_max_position_embeddings: 32,
        },
      },
    ],
    ["llama-linear", ["rope_parameters"], { rope_theta: 500, rope_scaling: { type: "linear", factor: 3 } }],
    ["gpt-neox-sequential", ["rope_parameters"], { rotary_emb_base: 1000, rotary_pct: 0.5 }],
    ["qwen2-windows", ["layer_types", "rope_parameters"], { max_window_layers: 1, rope_theta: 10_000 }],
    ["gemma2", ["layer_types", "rope_parameters"], { hidden_activation: "gelu_pytorch_tanh" }],
    [
      "gemma3",
      ["layer_types", "rope_parameters"],
      { sliding_window_pattern: 6, rope_theta: 1_000_000, rope_local_base_freq: 10_000, rope_scaling: null },
    ],
  ];
  it.each(older)("of %s as older releases write it means the same", async (name, without, instead) => {
    const fixture = forwardFixture(name);
    const kept = Object.entries(fixture.config).filter(([key]) => !without.includes(key));
    const checkpoint = await withConfig(hashedModel(fixture), { ...Object.fromEntries(kept), ...instead });
    expect(distance(await logitsOf(checkpoint, fixture.tokens), fixture.logits)).toBeLessThan(1e-5);
  });

  it("may stand beside tensors saved from the bare decoder", async () => {
    const fixture = forwardFixture("gpt2");
    const bare = new Map([...hashedModel(fixture)].map(([name, x]) => [name.replace("transformer.", ""), x]));
    const buffers = new Map([
      ["h.0.attn.bias", { shape: [1, 1, 2, 2], values: new Float32Array(4), dtype: "F32" as const }],
    ]);
    const checkpoint = await withConfig(new Map([...bare, ...buffers]), fixture.config);
    expect(distance(await logitsOf(checkpoint, fixture.tokens), fixture.logits)).toBeLessThan(1e-5);
  });
});

describe("long sequences", () => {
  it.each(["llama", "mistral", "gemma2"])("of %s do not depend on what follows, nor on their batch", async (name) => {
    const fixture = forwardFixture(name);
    const checkpoint = await withConfig(hashedModel(fixture), fixture.config);
    const long = Array.from({ length: 200 }, (_, i) => (i * i + 3 * i) % 23);
    const together = await logitsOf(checkpoint, [[5, 4, 3], long]);
    const alone = await logitsOf(checkpoint, [long.slice(0, 150)]);
    const vocabulary = alone.length / 150;
    expect(together.subarray(3 * vocabulary, 153 * vocabulary)).toEqual(alone);
  });
});
