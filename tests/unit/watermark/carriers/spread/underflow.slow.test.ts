import { expect, test } from "vitest";
import { halfCarriers } from "../../../../../src/watermark/carriers/difference/half-carriers.ts";
import { readDifference } from "../../../../../src/watermark/carriers/difference/read-difference.ts";
import { readingsOf } from "../../../../../src/watermark/carriers/read-carriers.ts";
import { readSpread } from "../../../../../src/watermark/carriers/spread/read.ts";
import { spreadReading } from "../../../../../src/watermark/carriers/spread/spread-units.ts";
import type { CarrierReading } from "../../../../../src/watermark/message/carrier-reading.ts";
import { PAYLOAD_CLASSES } from "../../../../../src/watermark/message/payload-class.ts";
import type { Model } from "../../../../support/random-model.ts";
import { checkpointOfModel, testKey } from "../../../../support/spread-model.ts";

/** Of 16 rows one of ones; all other elements so small that their squares are not there in f32, but for one of a row. */
function underflowing(least: number, large: number): Model {
  const [rows, cols] = [512, 512];
  const values = Float32Array.from({ length: rows * cols }, (_, i) => {
    if (Math.floor(i / cols) % 16 === 0) return large;
    return i % cols === 0 ? 1.01 * Math.SQRT2 * least : 0.99 * least;
  });
  return new Map([["model.layers.0.self_attn.q_proj.weight", { dtype: "F32", shape: [rows, cols], values }]]);
}

/** Root mean square of Z over eight keys; 1 on any weights, 0 where nothing is read. */
async function rmsOfZ(read: (seed: number) => Promise<CarrierReading>): Promise<number> {
  let squares = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const { values, energies } = await read(seed);
    const energy = energies.reduce((a, b) => a + b, 0);
    if (energy > 0) squares += values.reduce((a, b) => a + b, 0) ** 2 / energy / 8;
  }
  return Math.sqrt(squares);
}

test("weights whose squares f32 loses make no key appear", async () => {
  for (let exponent = -84; exponent <= -70; exponent++) {
    const suspect = await checkpointOfModel(underflowing(2 ** exponent, 1));
    const z = await rmsOfZ(async (seed) =>
      spreadReading(await readSpread(suspect, testKey(seed), { threads: 0 }), PAYLOAD_CLASSES[0]!),
    );
    expect(z, `spread, 2^${exponent}`).toBeLessThan(2.2);
  }
  const base = await checkpointOfModel(underflowing(0, 0));
  for (const exponent of [-77, -76, -75, -74, -73]) {
    const suspect = await checkpointOfModel(underflowing(2 ** exponent, 0));
    for (const which of [0, 1]) {
      const z = await rmsOfZ(async (seed) => {
        const readings = readingsOf(halfCarriers(await readDifference(suspect, base, testKey(seed))));
        const none: CarrierReading = {
          carrier: "difference",
          payloadClass: PAYLOAD_CLASSES[0]!,
          values: new Float64Array(1),
          energies: new Float64Array(1),
        };
        return readings[which] ?? none;
      });
      expect(z, `difference, 2^${exponent}`).toBeLessThan(2.2);
    }
  }
});
