import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { orientationEdits } from "../../src/watermark/carriers/orientation/edits.ts";
import { planOrientation } from "../../src/watermark/carriers/orientation/flips.ts";
import { readOrientation } from "../../src/watermark/carriers/orientation/projections.ts";
import { orientationReading } from "../../src/watermark/carriers/orientation/reading.ts";
import { hostModel } from "../../src/watermark/host/host-checkpoint.ts";
import { modelKey } from "../../src/watermark/key/model-key.ts";
import { chipCount, PAYLOAD_CLASSES } from "../../src/watermark/message/payload-class.ts";
import { applySigns } from "../support/apply-signs.ts";
import { configOf, KINDS, logits, smallTransformer } from "../support/small-transformer.ts";
import { checkpointOf } from "../support/stored-model.ts";

const cases = fc.record({
  kind: fc.constantFrom(...KINDS.values()),
  seed: fc.nat(),
  master: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  payloadClass: fc.constantFrom(...PAYLOAD_CLASSES),
  tokens: fc.array(fc.nat({ max: 39 }), { minLength: 1, maxLength: 6 }),
});

describe("sign orientation of any model, key and payload", () => {
  test.prop([cases, fc.infiniteStream(fc.constantFrom(-1, 1))], { numRuns: 40 })(
    "keeps the function bit for bit, says what it was told, and is undone by itself",
    async ({ kind, seed, master, payloadClass, tokens }, bits) => {
      const model = smallTransformer(kind, seed);
      const config = configOf(kind);
      const key = modelKey(master, "release");
      const symbols = Int8Array.from({ length: chipCount(payloadClass) }, () => bits.next().value);
      const checkpoint = await checkpointOf(model, { config });
      const units = await readOrientation(hostModel(checkpoint), key);
      const flips = planOrientation(units, symbols, payloadClass, key);
      const edits = orientationEdits(checkpoint, flips);
      const marked = applySigns(model, edits);

      expect(logits(marked, kind, tokens)).toEqual(logits(model, kind, tokens));
      expect(applySigns(marked, edits)).toEqual(model);

      const after = await readOrientation(hostModel(await checkpointOf(marked, { config })), key);
      const reading = orientationReading(after, payloadClass, key);
      const before = orientationReading(units, payloadClass, key);
      expect(reading.energies).toEqual(before.energies);
      for (const [i, value] of reading.values.entries()) {
        // All of a chip's projections point one way: the sum is the L1 norm, at least the L2 norm.
        if (reading.energies[i]! > 0)
          expect(value * symbols[i]!).toBeGreaterThanOrEqual(Math.sqrt(reading.energies[i]!) * 0.999);
      }
      expect(planOrientation(after, symbols, payloadClass, key).size).toBe(0);
    },
  );
});
