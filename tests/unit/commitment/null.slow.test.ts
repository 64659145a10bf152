import { describe, expect, test } from "vitest";
import { kolmogorovP, normalDistance } from "../../../src/numerics/kolmogorov.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { readOrientation } from "../../../src/watermark/carriers/orientation/projections.ts";
import { orientationReading } from "../../../src/watermark/carriers/orientation/reading.ts";
import { readSpread } from "../../../src/watermark/carriers/spread/read.ts";
import { spreadReading } from "../../../src/watermark/carriers/spread/spread-units.ts";
import { decide } from "../../../src/watermark/evidence/decide.ts";
import { softStatistic } from "../../../src/watermark/evidence/statistics.ts";
import { hostModel } from "../../../src/watermark/host/host-checkpoint.ts";
import { openedKey } from "../../../src/watermark/key/layered-key.ts";
import { PAYLOAD_CLASSES } from "../../../src/watermark/message/payload-class.ts";
import { checkpointOfFile, gaussianLlama } from "../../support/spread-model.ts";
import { fileOf } from "../../support/stored-model.ts";

const ZERO_BIT = PAYLOAD_CLASSES[0]!;
const ONES = new Int8Array(64).fill(1);
const CONFIG = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 4,
};
const DRAWS = 300;

/** Layers 1 and 3 of a key that nobody has: secrets and root are as good as random to whoever made the model. */
function drawnKey(draw: number) {
  const random = prng(`opened ${draw}`);
  const bytes = () => Uint8Array.from({ length: 32 }, () => random.below(256));
  const slot = (layer: number) => ({ slot: layer, secret: bytes(), proof: [] });
  return openedKey(bytes(), "r", [slot(1), slot(3)]);
}

describe("opened layers of a key that a model was made without", () => {
  test("say nothing of it: statistics are normal, p is uniform or larger", async () => {
    const model = gaussianLlama(7, { layers: 4, hidden: 256 });
    const checkpoint = await checkpointOfFile(fileOf(model), CONFIG);
    const host = hostModel(checkpoint);
    const samples = { spread: new Float64Array(DRAWS), orientation: new Float64Array(DRAWS) };
    const log2P = new Float64Array(DRAWS);
    for (let draw = 0; draw < DRAWS; draw++) {
      const key = drawnKey(draw);
      const weights = await readSpread(checkpoint, key, { threads: 0 });
      const signs = await readOrientation(host, key);
      expect(weights.weights).toBe(2 * 7 * 65_536);
      const readings = [spreadReading(weights, ZERO_BIT), orientationReading(signs, ZERO_BIT, key)];
      samples.spread[draw] = softStatistic(readings[0]!, ONES);
      samples.orientation[draw] = softStatistic(readings[1]!, ONES);
      log2P[draw] = decide(readings, key).log2P;
    }
    for (const sample of Object.values(samples)) {
      expect(kolmogorovP(normalDistance(sample), DRAWS)).toBeGreaterThan(0.01);
    }
    // Three hypotheses and Hoeffding's bound make p larger than uniform: of 300 never more than a share of 2^-k, and its noise.
    for (const k of [1, 2, 3, 5]) {
      const below = log2P.filter((p) => p <= -k).length / DRAWS;
      expect(below).toBeLessThan(2 ** -k + 3 * Math.sqrt(2 ** -k / DRAWS));
    }
  });
});
