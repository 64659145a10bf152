import type { CarrierReading } from "./carrier-reading.ts";
import type { ChipPlan } from "./chip-plan.ts";
import { softplus } from "./ecc/list-decoder.ts";

/** What became of a carrier's chips: chip / sqrt(energy) is about symbol * gain plus noise of this standard deviation. */
export interface Channel {
  /** Shrunk towards 0, never negative: 0 for a carrier whose pilots are no longer seen. */
  readonly gain: number;
  readonly noise: number;
}

/** A chip may say at most this much (ln of the odds): some chips are damaged more than the pilots tell. */
const LOUDEST = 20;
/** Below this the noise of a chip is what rounding and the closed loop leave; estimating it better changes nothing. */
const LEAST_NOISE = 0.1;
const LEAST_PILOTS = 8;

/**
 * Gain and noise from the pilots, whose symbols are known. The mean is shrunk by the positive-part rule of James and
 * Stein (1961): its own variance is taken off its square, so that noise alone seldom passes for a weak mark.
 */
export function estimateChannel(reading: CarrierReading, { places }: ChipPlan): Channel {
  const pilots = [...places.keys()].filter((i) => places[i]! < 0 && reading.energies[i]! > 0);
  if (pilots.length < LEAST_PILOTS) return { gain: 0, noise: 1 };
  const seen = pilots.map((i) => reading.values[i]! / Math.sqrt(reading.energies[i]!));
  const mean = seen.reduce((sum, v) => sum + v, 0) / seen.length;
  const variance = seen.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (seen.length - 1);
  const noise = Math.max(Math.sqrt(variance), LEAST_NOISE);
  const gain = mean > 0 ? Math.max(0, mean - noise ** 2 / (seen.length * mean)) : 0;
  return { gain, noise };
}

/**
 * Whether the coded chips are rather all +1, like the pilots, than fair coins (likelihood ratio). Coins are the same in
 * all classes, so a carrier that was marked in another class, or with no payload, is seen here as pilots throughout.
 */
export function isPlain(reading: CarrierReading, plan: ChipPlan): boolean {
  const llr = new Float64Array(plan.payloadClass.coded);
  softBits(llr, [reading], [plan]);
  return llr.reduce((sum, x) => sum + Math.LN2 - softplus(-x), 0) > 0;
}

/**
 * LLRs of the code word's bits, ln P(y | 0) / P(y | 1), from carriers that carry the same class: Gaussian chips, each
 * carrier with its own channel; LLRs add because carriers have independent keys.
 *
 * @param llr filled: one entry per coded chip of the class, zero without readings
 */
export function softBits(llr: Float64Array, readings: readonly CarrierReading[], plans: readonly ChipPlan[]): void {
  llr.fill(0);
  readings.forEach((reading, k) => {
    const { values, energies } = reading;
    const plan = plans[k]!;
    const { gain, noise } = estimateChannel(reading, plan);
    const scale = (2 * gain) / noise ** 2;
    plan.places.forEach((place, i) => {
      if (place >= 0 && energies[i]! > 0) llr[place]! += (scale * values[i]!) / Math.sqrt(energies[i]!);
    });
  });
  for (let i = 0; i < llr.length; i++) llr[i] = Math.max(-LOUDEST, Math.min(LOUDEST, llr[i]!));
}
