import type { ModelKey } from "../key/model-key.ts";
import type { CarrierReading } from "../message/carrier-reading.ts";
import { type ChipPlan, chipPlan } from "../message/chip-plan.ts";
import { listPayloads, log2Odds, type PayloadList } from "../message/ecc/payload-code.ts";
import type { Payload } from "../message/payload.ts";
import { estimateChannel, isPlain, softBits } from "../message/soft-bits.ts";

/** Where the symbols of a statistic come from: pilots only, the claimed payload, or the best-fitting payload of all. */
export type Known = "pilots" | "claimed" | "decoded";

/** Readings of one class, with what can be said about its payload. */
export interface ClassReadings {
  readonly bits: number;
  readonly readings: readonly CarrierReading[];
  /** One per reading. */
  readonly plans: readonly ChipPlan[];
  /** Symbol sources to be tested; a source without a payload (nothing decoded) has p = 1 but counts. */
  readonly sources: readonly { readonly known: Known; readonly payload: Payload | null }[];
  /** Payloads that the chips single out. */
  readonly named: readonly Payload[];
}

/**
 * log2 of the odds above which a payload is named. Measured where the codes fail for one in two, which is the worst place:
 * fewer than one wrong answer in a million, for .03 (128 bits) to .13 (32 bits) more of gain over noise.
 */
const ODDS = 20;

/** Decodes the readings of a class together. Carriers whose pilots are gone weigh nothing. */
export function readClass(
  bits: number,
  readings: readonly CarrierReading[],
  key: ModelKey,
  claimed: Payload | null,
): ClassReadings {
  const plans = readings.map(({ payloadClass, carrier }) => chipPlan(payloadClass, key, carrier));
  const pilots = { known: "pilots", payload: null } as const;
  if (bits === 0) return { bits, readings, plans, sources: [pilots], named: [] };
  const list = listHeard(bits as Payload["bits"], readings, plans);
  const claim = claimed?.bits === bits ? claimed : null;
  const decoded = list?.candidates[0]?.payload ?? null;
  const named = [claim, decoded].filter((one) => one !== null && list !== null && log2Odds(list, one) >= ODDS);
  const sources = [pilots, ...(claim === null ? [] : [{ known: "claimed", payload: claim } as const])];
  return {
    bits,
    readings,
    plans,
    sources: [...sources, { known: "decoded", payload: decoded }],
    named: named as Payload[],
  };
}

/**
 * Chips that a hostile suspect made infinite or NaN count as gone. Whether a chip is one does not depend on its sign, so
 * the null stays exact.
 */
export function finiteChips(reading: CarrierReading): CarrierReading {
  const { values, energies } = reading;
  const usable = values.map((value, i) => Number(Number.isFinite(value) && Number.isFinite(energies[i])));
  return {
    ...reading,
    values: values.map((value, i) => (usable[i] === 1 ? value : 0)),
    energies: energies.map((energy, i) => (usable[i] === 1 ? energy : 0)),
  };
}

/** Payloads that the readings allow together; null when none has anything to say. */
function listHeard(
  bits: Payload["bits"],
  readings: readonly CarrierReading[],
  plans: readonly ChipPlan[],
): PayloadList | null {
  const heard = clearestOfEachCarrier(readings, plans);
  if (heard.length === 0) return null;
  const llr = new Float64Array(readings[0]!.payloadClass.coded);
  softBits(
    llr,
    heard.map((i) => readings[i]!),
    heard.map((i) => plans[i]!),
  );
  return listPayloads(llr, bits);
}

/**
 * Readings that the decoder listens to. A carrier may have been read in several ways (two addressings of the vocabulary);
 * their chips are no independent witnesses, so only the one with the clearest pilots counts. A carrier that was marked in
 * another class would outvote the others with a word of zeros and is left out.
 */
function clearestOfEachCarrier(readings: readonly CarrierReading[], plans: readonly ChipPlan[]): number[] {
  const clearest = new Map<string, { index: number; ratio: number }>();
  readings.forEach((reading, index) => {
    const plan = plans[index]!;
    const { gain, noise } = estimateChannel(reading, plan);
    if (isPlain(reading, plan)) return;
    const ratio = gain / noise;
    if (ratio > (clearest.get(reading.carrier)?.ratio ?? 0)) clearest.set(reading.carrier, { index, ratio });
  });
  return [...clearest.values()].map(({ index }) => index);
}
