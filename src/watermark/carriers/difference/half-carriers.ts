import type { Strength } from "../../evidence/strength.ts";
import { chipMoves } from "../../message/chip-moves.ts";
import { messageSymbols } from "../../message/message.ts";
import type { MarkableCarrier } from "../carrier.ts";
import { classSums, type PartSums, partDecoys, partReading } from "./part-sums.ts";
import type { DeltaFacts, DifferenceSums } from "./read-difference.ts";
import { shaping } from "./shaping.ts";

/** Steps of the weights of every chip, in units of the RMS of the matrix's difference. */
export type Steps = Float64Array;

/**
 * The halves of a mark in a difference: along the coins of "difference", and along T of the coins of "subspace". Each has
 * half of the energy; to first order, what T itself turns by is left out. They are planned of sums that were read for marking.
 */
export function halfCarriers(
  sums: DifferenceSums,
): readonly [difference: MarkableCarrier<Steps>, subspace: MarkableCarrier<Steps>] {
  const usable = sums.facts.filter(({ spaces, leadingRms }) => spaces !== null && leadingRms > 0);
  return [
    half(sums.full, sums.weights, { weights: sums.weights, response: 1 }),
    half(sums.subspace, sums.weights, { weights: weightsOf(usable), response: meanResponse(usable) }),
  ];
}

/** What moves a half: `response` is what a unit step of `weights` weights adds to a unit value. */
interface Lever {
  readonly weights: number;
  readonly response: number;
}

function half(part: PartSums, units: number, { weights, response }: Lever): MarkableCarrier<Steps> {
  return {
    name: part.carrier,
    units,
    doubt: null,
    reading: (payloadClass) => partReading(part, payloadClass),
    decoys: () => partDecoys(part),
    plan(message, payloadClass) {
      if (!(response > 0)) return null;
      const marks = messageSymbols(message, payloadClass, part.carrier);
      const { counts } = classSums(part, payloadClass);
      const costs = counts.map((count) => (count > 0 ? 1 / response ** 2 : 0));
      const energy = (message.rho ** 2 / 2) * weights;
      const moves = chipMoves(partReading(part, payloadClass).values, marks, costs, energy, payloadClass);
      if (moves === null) return null;
      const { alpha, distances } = moves;
      const cancelled = payloadClass.payloadBits === 0 ? 0 : 1;
      const strength: Strength = { payloadClass, alpha, cancelled };
      const change = distances.map((d, i) => (counts[i]! > 0 ? d / (Math.sqrt(counts[i]!) * response) : 0));
      return { strength, statistic: alpha * Math.sqrt(marks.length), rms: message.rho, change };
    },
  };
}

/** What a step of one RMS of Delta per weight, after shaping, adds to a unit's value: the reader divides by the leading RMS. */
function meanResponse(facts: readonly DeltaFacts[]): number {
  let sum = 0;
  for (const one of facts) {
    const { rows, cols } = one.matrix;
    const { energy, overlap } = shaping(one);
    sum += (rows * cols * overlap * one.rms) / (Math.sqrt(energy) * one.leadingRms);
  }
  return sum / Math.max(1, weightsOf(facts));
}

function weightsOf(facts: readonly DeltaFacts[]): number {
  return facts.reduce((sum, { matrix: { rows, cols } }) => sum + rows * cols, 0);
}
