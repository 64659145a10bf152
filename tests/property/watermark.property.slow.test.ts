import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open-checkpoint.ts";
import { prng } from "../../src/numerics/prng.ts";
import { embedWatermark } from "../../src/watermark/embed.ts";
import { payloadOf, showPayload } from "../../src/watermark/message/payload.ts";
import type { VerifyResult } from "../../src/watermark/result.ts";
import { verifyWatermark } from "../../src/watermark/verify.ts";
import type { Model, ModelTensor } from "../support/random-model.ts";
import { gaussianLlama, testKey } from "../support/spread-model.ts";
import { fileOf } from "../support/stored-model.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const CONFIG = { model_type: "llama", hidden_act: "silu", hidden_size: 256, num_attention_heads: 4 };

type Attack = (values: Float32Array, original: Float32Array, seed: number) => Float32Array;

const rms = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

function noise(share: number): Attack {
  return (values, _, seed) => {
    const random = prng(seed);
    const sigma = share * rms(values);
    return values.map((x) => x + sigma * random.normal());
  };
}

function quantised(levels: number): Attack {
  return (values) => {
    const step = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / levels;
    return values.map((x) => Math.round(x / step) * step);
  };
}

function pruned(share: number): Attack {
  return (values) => {
    const threshold = values.map(Math.abs).sort()[Math.floor(share * values.length)]!;
    return values.map((x) => (Math.abs(x) < threshold ? 0 : x));
  };
}

/** Averages with the unmarked original, whose signs are turned as the copy's are: else an average is no model. */
function averaged(share: number): Attack {
  return (values, original) => values.map((x, i) => (1 - share) * x + share * Math.abs(original[i]!) * Math.sign(x));
}

/** Each leaves a correlation above .9, or half of the mark and more; two of them one above .85. */
const mild = fc.constantFrom<readonly [string, Attack]>(
  ["int8", quantised(127)],
  ["prune 30 %", pruned(0.3)],
  ["noise 30 %", noise(0.3)],
  ["average 20 %", averaged(0.2)],
);

function store(directory: string, model: Model): void {
  mkdirSync(directory);
  writeFileSync(join(directory, "model.safetensors"), fileOf(model));
  writeFileSync(join(directory, "config.json"), JSON.stringify(CONFIG));
}

async function load(directory: string): Promise<Map<string, ModelTensor>> {
  const checkpoint = await openCheckpoint(directory);
  const model = new Map<string, ModelTensor>();
  for (const { name, shape, begin, end } of checkpoint.tensors.values()) {
    const words = new Uint16Array((await checkpoint.files[0]!.source.read(begin, end)).slice().buffer);
    model.set(name, {
      shape,
      dtype: "BF16",
      values: new Float32Array(Uint32Array.from(words, (word) => word << 16).buffer),
    });
  }
  await checkpoint.close();
  return model;
}

async function suspectAfter(seed: number, payload: Uint8Array, attacks: readonly Attack[]): Promise<VerifyResult> {
  const place = temporaryDirectory();
  const original = gaussianLlama(seed, { layers: 2 });
  store(join(place, "model"), original);
  const checkpoint = await openCheckpoint(join(place, "model"));
  const options = { key: testKey(seed), payload: payloadOf(payload), directory: join(place, "copy"), rho: 0.03 };
  await embedWatermark(checkpoint, { ...options, sketch: false, threads: 0, publicBases: null });
  await checkpoint.close();
  const suspect = await load(join(place, "copy"));
  for (const [name, tensor] of suspect) {
    if (tensor.shape.length < 2) continue;
    const values = attacks.reduce((x, attack, i) => attack(x, original.get(name)!.values, seed + i), tensor.values);
    suspect.set(name, { ...tensor, values });
  }
  store(join(place, "suspect"), suspect);
  const opened = await openCheckpoint(join(place, "suspect"));
  try {
    return await verifyWatermark(opened, { key: testKey(seed), threads: 0 });
  } finally {
    await opened.close();
  }
}

const seeds = fc.nat(1e6);
const payloads = fc.uint8Array({ minLength: 1, maxLength: 4 });

describe("a marked model", () => {
  test.prop([seeds, payloads, fc.array(mild, { minLength: 0, maxLength: 2 })], { numRuns: 6 })(
    "is found with its payload after any changes inside the radius",
    async (seed, payload, attacks) => {
      const found = await suspectAfter(
        seed,
        payload,
        attacks.map(([, attack]) => attack),
      );
      expect(found.present).toBe(true);
      expect(found.payload?.hex).toBe(showPayload(payloadOf(payload)).hex);
      const spread = found.carriers.find(({ name }) => name === "spread");
      expect(spread?.present).toBe(true);
    },
  );

  test.prop([seeds, payloads, fc.double({ min: 2, max: 60, noNaN: true })], { numRuns: 6 })(
    "never says another payload, however much is left of it",
    async (seed, payload, share) => {
      const found = await suspectAfter(seed, payload, [noise(share)]);
      if (found.payload !== null) expect(found.payload.hex).toBe(showPayload(payloadOf(payload)).hex);
      if (share > 40) expect(found).toMatchObject({ present: false, payload: null });
    },
  );
});
