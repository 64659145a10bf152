import { chooseClass, type Strength } from "../evidence/strength.ts";
import type { Message } from "../message/message.ts";
import { PAYLOAD_CLASSES, type PayloadClass } from "../message/payload-class.ts";
import { trialMessage } from "../message/trial-message.ts";
import type { CarrierPlan, CarrierSize, MarkableCarrier } from "./carrier.ts";

/** The plan of the class that the carrier embeds, see `chooseClass`; null where none does. */
export function choosePlan<Change>(carrier: MarkableCarrier<Change>, message: Message): CarrierPlan<Change> | null {
  const plans = new Map<PayloadClass, CarrierPlan<Change>>();
  const strength = chooseClass(message.payload?.bits ?? 0, (payloadClass) => {
    const plan = carrier.plan(message, payloadClass);
    if (plan !== null) plans.set(payloadClass, plan);
    return plan?.strength ?? null;
  });
  return strength === null ? null : plans.get(strength.payloadClass)!;
}

/** The largest class that fits; null where none does. */
export function largestClass({ doubt, strength }: CarrierSize, rho: number): Strength | null {
  if (doubt !== null) return null;
  for (const { payloadBits } of [...PAYLOAD_CLASSES].reverse()) {
    const chosen = chooseClass(payloadBits, (payloadClass) => strength(payloadClass, rho));
    if (chosen?.payloadClass.payloadBits === payloadBits) return chosen;
  }
  return null;
}

/** What a carrier holds whose cost depends on the weights' values: it is planned. @param carrier read with `TRIAL_KEY` */
export function sizeByTrial({ name, units, doubt, ...carrier }: MarkableCarrier<unknown>): CarrierSize {
  const strength = (payloadClass: PayloadClass, rho: number) =>
    carrier.plan(trialMessage(payloadClass, rho), payloadClass)?.strength ?? null;
  return { name, units, doubt, strength };
}
