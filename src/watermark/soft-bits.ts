import type { CarrierReading } from "./carrier-reading.ts";
import type { ChipPlan } from "./chip-plan.ts";

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
  const pilots = [...places.keys()].filter((i) => places[i] < 0 && reading.energies[i] > 0);
  if (pilots.length < LEAST_PILOTS) return { gain: 0, noise: 1 };
  const seen = pilots.map((i) => reading.values[i] / Math.sqrt(reading.energies[i]));
  const mean = seen.reduce((sum, v) => sum + v, 0) / seen.length;
  const variance = seen.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (seen.length - 1);
  const noise = Math.max(Math.sqrt(variance), LEAST_NOISE);
  const gain = mean > 0 ? Math.max(0, mean - noise ** 2 / (seen.length * mean)) : 0;
  return { gain, noise };
}

/**
 * LLRs of the code word's bits, ln P(y | 0) / P(y | 1), from all carriers that carry the same class: Gaussian chips, each
 * carrier with its own channel; LLRs add because carriers have independent keys. Length: coded chips of the class.
 */
export function softBits(readings: readonly CarrierReading[], plans: readonly ChipPlan[]): Float64Array {
  const llr = new Float64Array(plans[0].payloadClass.coded);
  readings.forEach((reading, k) => {
    const { gain, noise } = estimateChannel(reading, plans[k]);
    const scale = (2 * gain) / noise ** 2;
    plans[k].places.forEach((place, i) => {
      if (place >= 0 && reading.energies[i] > 0)
        llr[place] += (scale * reading.values[i]) / Math.sqrt(reading.energies[i]);
    });
  });
  return llr.map((x) => Math.max(-LOUDEST, Math.min(LOUDEST, x)));
}
