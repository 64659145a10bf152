import type { TensorEdit } from "../../host/tensor-edit.ts";
import type { Message } from "../../message/message.ts";
import { classOf } from "../../message/payload.ts";
import type { CarrierPlan } from "../carrier.ts";
import { differenceEdits } from "./difference-edits.ts";
import { halfCarriers, type Steps } from "./half-carriers.ts";
import type { DifferenceSums } from "./read-difference.ts";

/** RMS of the change over RMS of the difference. */
export const DEFAULT_DIFFERENCE_RHO = 0.02;

/** What holds for every mark in a difference to a public base. */
export const DIFFERENCE_CAVEATS: readonly string[] = [
  "the base is public: signs and untouched token rows are restored from it, so no mark is put there",
  "rounding to bf16 moves the weights several times as far as the mark itself, still far below the difference",
  "int4 of a light fine-tune keeps nothing of the difference, and so nothing of the mark",
  "verify with the same `base`; whoever drops the whole difference drops the mark with it",
];

/** The halves of a mark in a difference, as planned, and what they do together. */
export interface DifferencePlan {
  readonly full: CarrierPlan<Steps>;
  readonly subspace: CarrierPlan<Steps>;
  readonly edits: ReadonlyMap<string, TensorEdit>;
}

/** The payload in both halves, else in one; the other then says no more than that it is there. Null when neither holds it. */
export function fittingPlan(sums: DifferenceSums, message: Message): DifferencePlan | null {
  const [difference, subspace] = halfCarriers(sums);
  const [wanted, zero] = [classOf(message.payload), classOf(null)];
  const choices = [
    [wanted, wanted],
    [wanted, zero],
    [zero, wanted],
  ] as const;
  for (const [first, second] of message.payload === null ? [[zero, zero] as const] : choices) {
    const full = difference.plan(message, first);
    const rest = full === null ? null : subspace.plan(message, second);
    if (full === null || rest === null) continue;
    const edits = differenceEdits(sums, { full: full.change, subspace: rest.change }, message.key);
    return { full, subspace: rest, edits };
  }
  return null;
}
