import type { ModelKey } from "../key/model-key.ts";
import type { CarrierName, CarrierReading } from "../message/carrier-reading.ts";
import { symbols } from "../message/chip-plan.ts";
import { type Payload, samePayload } from "../message/payload.ts";
import { estimateChannel } from "../message/soft-bits.ts";
import { type ClassReadings, finiteChips, type Known, readClass } from "./class-readings.ts";
import { type DecoyRank, type DecoySource, rankAmongDecoys } from "./decoys.ts";
import {
  agreements,
  hardLog2P,
  type Level,
  levelOf,
  matchedSum,
  softLog2P,
  softStatistic,
  THRESHOLDS,
} from "./statistics.ts";

export interface DecideOptions {
  /** Payload that the verifier says the mark has, fixed before the weights were looked at. */
  readonly claimed?: Payload | null;
  /** Ways of aligning the suspect that were scored with the key. @default 1 */
  readonly alignments?: number;
  /** Keys tried on the same suspect. @default 1 */
  readonly keysTried?: number;
  /** log2 of the ways in which what was read could have been chosen. @default 0 */
  readonly log2Choices?: number;
  /** Units of the carriers for the decoy keys. @default none */
  readonly decoySources?: readonly DecoySource[];
}

/** The best that one carrier says in one class. */
export interface CarrierFinding {
  readonly name: CarrierName;
  readonly payloadBits: number;
  readonly known: Known;
  /** Soft statistic over `chips` chips. */
  readonly statistic: number;
  readonly chips: number;
  /** log2 of its p-value, including the 2^payloadBits payloads when decoded and no other multiplicity. */
  readonly log2P: number;
  /** log2 of the exact hard p-value from the signs of the same chips, with the same multiplicity. */
  readonly hardLog2P: number;
  /** Mean of a pilot and standard deviation of a chip, both in units of a chip's noise under H0. */
  readonly gain: number;
  readonly noise: number;
  /** Whether it decides by itself after all multiplicities. */
  readonly present: boolean;
}

export interface Decision {
  /** Whether the key's mark is there: log2P <= -40. The payload may be unreadable all the same. */
  readonly present: boolean;
  readonly level: Level;
  /** log2 of the smallest p-value, multiplied by all that was tried; at most 0. */
  readonly log2P: number;
  /** log2 of the number of hypotheses x alignments x keys that log2P is corrected for. */
  readonly log2Tried: number;
  readonly payload: (Payload & { readonly how: "claimed" | "decoded" }) | null;
  /**
   * What became of the claimed payload: confirmed; contradicted, another one was read; undecided, the chips are too weak
   * to tell it from its neighbours in the code. null without a claim.
   */
  readonly claim: "confirmed" | "contradicted" | "undecided" | null;
  /** One per reading, in the order given. */
  readonly carriers: readonly CarrierFinding[];
  /**
   * Rank of the key's best statistic among those of decoy keys; null without sources. The key is tried in every class and
   * a decoy once, so on unmarked weights it ranks a little better than by chance: the p-value is what decides.
   */
  readonly decoys: DecoyRank | null;
}

interface Hypothesis {
  readonly payloadBits: number;
  readonly known: Known;
  readonly statistic: number;
  readonly log2P: number;
}

/**
 * Says whether the mark of `key` is in the weights, with an exact p-value, and what it says.
 *
 * H0: the weights were made without the key. Every reading is tested with its pilots, with the claimed payload and with
 * the decoded one (times 2^bits: the union bound over all payloads holds for whatever decoder), every class with two or
 * more carriers also with their sum; the smallest p is multiplied by the number of tests, alignments and keys
 * (Bonferroni). A payload is named only when its own statistic passes as evidence and the chips single it out.
 */
export function decide(given: readonly CarrierReading[], key: ModelKey, options: DecideOptions = {}): Decision {
  const { claimed = null, alignments = 1, keysTried = 1, log2Choices = 0, decoySources = [] } = options;
  const readings = given.map(finiteChips);
  const classes = [...new Set(readings.map(({ payloadClass }) => payloadClass.payloadBits))].map((bits) => {
    const ofClass = readings.filter(({ payloadClass }) => payloadClass.payloadBits === bits);
    return readClass(bits, ofClass, key, claimed);
  });
  const alone = new Map(
    classes.flatMap((one) => one.readings.map((reading, i) => [reading, testsOf(one, [i])] as const)),
  );
  const together = classes.flatMap((one) => sumsOf(one.readings).flatMap((which) => testsOf(one, which)));
  const hypotheses = [...[...alone.values()].flat(), ...together];
  const log2Tried = Math.log2(Math.max(1, hypotheses.length) * alignments * keysTried) + log2Choices;
  const passes = ({ log2P }: { log2P: number }): boolean => log2P + log2Tried <= THRESHOLDS.evidence;

  const log2P = Math.min(0, ...hypotheses.map((one) => one.log2P + log2Tried));
  const payload = namedPayload(classes, hypotheses.filter(passes), claimed);
  const carriers = readings.map((reading) => {
    const one = classes.find(({ bits }) => bits === reading.payloadClass.payloadBits) as ClassReadings;
    const best = (alone.get(reading) as Hypothesis[]).reduce((a, b) => (b.log2P < a.log2P ? b : a));
    return finding(one, reading, best, passes(best));
  });
  return {
    present: log2P <= THRESHOLDS.evidence,
    level: levelOf(log2P),
    log2P,
    log2Tried,
    payload,
    claim: claimed === null ? null : outcomeOf(payload),
    carriers,
    decoys: rankAmongDecoys(decoySources, Math.max(...carriers.map(({ statistic }) => statistic))),
  };
}

/**
 * Readings whose sum is a test of its own, as lists of indices: one of every carrier, whose coins are independent, in every
 * choice where a carrier was read in several ways. None for a carrier alone.
 */
function sumsOf(readings: readonly CarrierReading[]): number[][] {
  const names = [...new Set(readings.map(({ carrier }) => carrier))];
  if (names.length < 2) return [];
  const ways = names.map((name) => [...readings.keys()].filter((i) => readings[i]!.carrier === name));
  return ways.reduce<number[][]>((sums, own) => sums.flatMap((sum) => own.map((i) => [...sum, i])), [[]]);
}

/** One hypothesis per source of symbols, on the sum of the given readings of a class. */
function testsOf({ bits, readings, plans, sources }: ClassReadings, which: readonly number[]): Hypothesis[] {
  return sources.map(({ known, payload }) => {
    if (known !== "pilots" && payload === null) return { payloadBits: bits, known, statistic: 0, log2P: 0 };
    let sum = 0;
    let energy = 0;
    for (const i of which) {
      const { values, energies } = readings[i]!;
      const part = matchedSum(values, energies, symbols(plans[i]!, payload));
      sum += part.sum;
      energy += part.energy;
    }
    const statistic = energy > 0 ? sum / Math.sqrt(energy) : 0;
    const search = known === "decoded" ? bits : 0;
    return { payloadBits: bits, known, statistic, log2P: Math.min(0, softLog2P(statistic) + search) };
  });
}

/** A payload that is both singled out and, by a statistic with its own symbols, evidence. The claimed one comes first. */
function namedPayload(
  classes: readonly ClassReadings[],
  passed: readonly Hypothesis[],
  claimed: Payload | null,
): Decision["payload"] {
  const answers = classes.flatMap(({ bits, sources, named }) =>
    sources.flatMap(({ known, payload }) => {
      if (known === "pilots" || payload === null || !named.some((one) => samePayload(one, payload))) return [];
      const tests = passed.filter((one) => one.payloadBits === bits && one.known === known);
      if (tests.length === 0) return [];
      const how = claimed !== null && samePayload(payload, claimed) ? ("claimed" as const) : ("decoded" as const);
      return [{ ...payload, how, log2P: Math.min(...tests.map(({ log2P }) => log2P)) }];
    }),
  );
  answers.sort((a, b) => Number(b.how === "claimed") - Number(a.how === "claimed") || a.log2P - b.log2P);
  const [first] = answers;
  if (first === undefined) return null;
  const { bytes, bits, how } = first;
  return { bytes, bits, how };
}

function outcomeOf(payload: Decision["payload"]): Decision["claim"] {
  if (payload === null) return "undecided";
  return payload.how === "claimed" ? "confirmed" : "contradicted";
}

function finding(one: ClassReadings, reading: CarrierReading, best: Hypothesis, present: boolean): CarrierFinding {
  const plan = one.plans[one.readings.indexOf(reading)]!;
  const payload = one.sources.find(({ known }) => known === best.known)?.payload ?? null;
  const known = symbols(plan, payload);
  const { agree, chips } = agreements(reading, known);
  const search = best.known === "decoded" ? one.bits : 0;
  return {
    name: reading.carrier,
    payloadBits: one.bits,
    known: best.known,
    statistic: softStatistic(reading, known),
    chips,
    log2P: best.log2P,
    hardLog2P: Math.min(0, hardLog2P(agree, chips) + search),
    ...estimateChannel(reading, plan),
    present,
  };
}
