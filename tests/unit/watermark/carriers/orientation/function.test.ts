import { describe, expect, test } from "vitest";
import { orientationEdits } from "../../../../../src/watermark/carriers/orientation/edits.ts";
import { planOrientation } from "../../../../../src/watermark/carriers/orientation/flips.ts";
import { signGenerators } from "../../../../../src/watermark/carriers/orientation/generators.ts";
import { readOrientation } from "../../../../../src/watermark/carriers/orientation/projections.ts";
import { orientationReading } from "../../../../../src/watermark/carriers/orientation/reading.ts";
import { hostModel } from "../../../../../src/watermark/host/host-checkpoint.ts";
import { modelKey } from "../../../../../src/watermark/key/model-key.ts";
import { PAYLOAD_CLASSES } from "../../../../../src/watermark/message/payload-class.ts";
import { applySigns } from "../../../../support/apply-signs.ts";
import { configOf, KINDS, logits, smallTransformer } from "../../../../support/small-transformer.ts";
import { checkpointOf } from "../../../../support/stored-model.ts";

const KEY = modelKey(new Uint8Array(32).fill(7), "one");
const TOKENS = [3, 17, 8, 39, 0, 21, 5];
const ZERO_BIT = PAYLOAD_CLASSES[0]!;
const PILOTS = new Int8Array(64).fill(1);

/** Generators per layer: neurons, value rows, planes and single rows of keys. */
const EXPECTED: Readonly<Record<string, number>> = {
  llama: 48 + 16 + 8,
  "llama with biases": 48 + 16 + 8,
  mistral: 48 + 8 + 4,
  qwen2: 48 + 16 + 8,
  qwen3: 48 + 24 + 12,
  gemma: 48 + 16 + 8,
  mixtral: 3 * 48 + 16 + 8,
  glm4: 48 + 16 + 12,
  cohere: 48 + 16 + 8,
  gpt2: 32 + 32,
  gpt_neox: 32 + 28,
};

describe.each([...KINDS])("%s", (name, kind) => {
  const model = smallTransformer(kind, 11);

  async function marked(key = KEY, of = model) {
    const checkpoint = await checkpointOf(of, { config: configOf(kind) });
    const host = hostModel(checkpoint);
    const units = await readOrientation(host, key);
    const flips = planOrientation(units, PILOTS, ZERO_BIT, key);
    return { host, units, flips, model: applySigns(of, orientationEdits(checkpoint, flips)) };
  }

  test("is known with certainty, and every generator is found", async () => {
    const { host, units } = await marked();
    expect(host.symmetries.doubt).toBeNull();
    expect(host.heads).toEqual({ heads: kind.heads, kvHeads: kind.kvHeads, headSize: kind.headSize });
    expect(signGenerators(host).reduce((n, { count }) => n + count, 0)).toBe(2 * EXPECTED[name]!);
    expect(units.present).toBe(2 * EXPECTED[name]!);
  });

  test("keeps every bit of its logits, and its chips read +1", async () => {
    const after = await marked();
    const changed = [...model].filter(([tensor, { values }]) =>
      values.some((x, i) => x !== after.model.get(tensor)!.values[i]),
    );
    expect(changed.length).toBeGreaterThan(4);
    expect(logits(after.model, kind, TOKENS)).toEqual(logits(model, kind, TOKENS));

    const again = await marked(KEY, after.model);
    expect(again.flips.size).toBe(0);
    const { values, energies } = orientationReading(again.units, ZERO_BIT, KEY);
    for (const [i, value] of values.entries()) expect(energies[i]! > 0 ? value > 0 : value === 0).toBe(true);
  });

  test("loses its function when any part of the change is left out", async () => {
    const { flips } = await marked();
    const checkpoint = await checkpointOf(model, { config: configOf(kind) });
    const roles = new Set([...flips.keys()].map((address) => address.split("/")[2]!));
    expect(roles.size).toBe(kind.layout === "llama" ? 6 : 4);
    for (const role of roles) {
      const rest = new Map([...flips].filter(([address]) => address.split("/")[2] !== role));
      const broken = applySigns(model, orientationEdits(checkpoint, rest));
      expect(logits(broken, kind, TOKENS), role).not.toEqual(logits(model, kind, TOKENS));
    }
    const edits = orientationEdits(checkpoint, flips);
    const vectors = [...edits].filter(([, edit]) => edit.vectorSigns !== null).map(([tensor]) => tensor);
    expect(vectors.length > 0).toBe(kind.biases);
    for (const tensor of vectors) {
      const rest = new Map([...edits].filter(([other]) => other !== tensor));
      expect(logits(applySigns(model, rest), kind, TOKENS), tensor).not.toEqual(logits(model, kind, TOKENS));
    }
  });
});
