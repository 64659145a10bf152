import { prng } from "../../../src/numerics/prng.ts";
import type { ModelKey } from "../../../src/watermark/key/model-key.ts";
import { modelKey } from "../../../src/watermark/key/model-key.ts";
import type { CarrierName, CarrierReading } from "../../../src/watermark/message/carrier-reading.ts";
import { chipPlan, symbols } from "../../../src/watermark/message/chip-plan.ts";
import { classOf, type Payload, payloadOf } from "../../../src/watermark/message/payload.ts";
import { chipCount, type PayloadClass } from "../../../src/watermark/message/payload-class.ts";

export const KEY = modelKey(new Uint8Array(32).fill(7), "test");

export function randomPayload(bits: Payload["bits"], seed: number | string): Payload {
  const random = prng(`payload/${seed}`);
  return payloadOf(Uint8Array.from({ length: bits / 8 }, () => random.below(256)));
}

export interface Simulation {
  readonly carrier?: CarrierName;
  readonly gain: number;
  /** Deviation of the noise. @default 1 */
  readonly noise?: number;
  readonly seed: number | string;
  /** Energy of every chip. @default 1 */
  readonly energy?: (chip: number) => number;
}

/** Chips of a carrier that was marked with the payload: sqrt(energy) * (gain * symbol + noise * N(0, 1)). */
export function markedReading(payload: Payload | null, key: ModelKey, simulation: Simulation): CarrierReading {
  const payloadClass = classOf(payload);
  const sent = symbols(chipPlan(payloadClass, key, simulation.carrier ?? "spread"), payload);
  return noisyReading(payloadClass, sent, simulation);
}

export function noisyReading(payloadClass: PayloadClass, sent: Int8Array, simulation: Simulation): CarrierReading {
  const { carrier = "spread", gain, noise = 1, seed, energy = () => 1 } = simulation;
  const random = prng(`reading/${seed}`);
  const energies = Float64Array.from({ length: chipCount(payloadClass) }, (_, i) => energy(i));
  const values = energies.map((e, i) => Math.sqrt(e) * (gain * sent[i]! + noise * random.normal()));
  return { carrier, payloadClass, values, energies };
}

/** Chips without any mark. */
export function bareReading(payloadClass: PayloadClass, carrier: CarrierName, seed: number | string): CarrierReading {
  return noisyReading(payloadClass, new Int8Array(chipCount(payloadClass)), { carrier, gain: 0, seed });
}
