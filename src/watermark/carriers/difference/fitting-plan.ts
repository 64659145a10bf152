import { type CarrierCapacity, carrierCapacity } from "../../evidence/carrier-capacity.ts";
import type { Strength } from "../../evidence/strength.ts";
import { type Message, messageSymbols } from "../../message/message.ts";
import { classOf } from "../../message/payload.ts";
import type { PayloadClass } from "../../message/payload-class.ts";
import type { PartSums } from "./part-sums.ts";
import { type DifferencePlan, planDifference } from "./plan-difference.ts";
import type { DifferenceSums } from "./read-difference.ts";

/** RMS of the change over RMS of the difference. */
export const DEFAULT_DIFFERENCE_RHO = 0.02;

/** What holds for every mark in a difference to a public base. */
export const DIFFERENCE_CAVEATS: readonly string[] = [
  "the base is public: signs and untouched token rows are restored from it, so no mark is put there",
  "rounding to bf16 moves the weights several times as far as the mark itself, still far below the difference",
  "int4 of a light fine-tune keeps nothing of the difference, and so nothing of the mark",
  "verify with the same --base; whoever drops the whole difference drops the mark with it",
];

interface FittingPlan {
  readonly plan: DifferencePlan;
  readonly full: PayloadClass;
  readonly subspace: PayloadClass;
}

/** The payload in both halves, else in one; the other then says no more than that it is there. Null when neither holds it. */
export async function fittingPlan(sums: DifferenceSums, message: Message): Promise<FittingPlan | null> {
  const wanted = classOf(message.payload);
  const zero = classOf(null);
  const choices = [
    [wanted, wanted],
    [wanted, zero],
    [zero, wanted],
  ] as const;
  for (const [full, subspace] of message.payload === null ? [[zero, zero] as const] : choices) {
    const symbols = (payloadClass: PayloadClass, carrier: "difference" | "subspace") => ({
      payloadClass,
      symbols: messageSymbols(message, payloadClass, carrier),
    });
    const plan = await planDifference(
      sums,
      symbols(full, "difference"),
      symbols(subspace, "subspace"),
      message.key,
      message.rho,
    );
    if (plan !== null) return { plan, full, subspace };
  }
  return null;
}

/** One half of the mark, as planned. */
export function carrierOf(
  part: PartSums,
  payloadClass: PayloadClass,
  plan: DifferencePlan,
  sums: DifferenceSums,
): CarrierCapacity {
  const { alpha } = part.carrier === "difference" ? plan.full : plan.subspace;
  const strength: Strength = { payloadClass, alpha, cancelled: payloadClass.payloadBits === 0 ? 0 : 1 };
  return carrierCapacity(part.carrier, sums.weights, strength, null);
}
