import { cancellingStrength, expectedStatistic, markEnergy, type Strength } from "../../evidence/strength.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { messageSymbols } from "../../message/message.ts";
import { chipCount } from "../../message/payload-class.ts";
import type { CarrierSize, MarkableCarrier } from "../carrier.ts";
import { planSpread, type SpreadPlan } from "./plan.ts";
import { type SpreadUnits, spreadDecoys, spreadReading } from "./spread-units.ts";

/** Moves the weights of the layers. @param units read with `marking` where it is to be planned */
export function spreadCarrier(units: SpreadUnits, key: ModelKey): MarkableCarrier<SpreadPlan> {
  return {
    name: "spread",
    units: units.weights,
    doubt: null,
    reading: (payloadClass) => spreadReading(units, payloadClass),
    decoys: () => spreadDecoys(units),
    plan(message, payloadClass) {
      const marks = messageSymbols(message, payloadClass, "spread");
      const change = planSpread(units, marks, payloadClass, key, message.rho);
      if (change === null) return null;
      const cancelled = payloadClass.payloadBits === 0 ? 0 : 1;
      const strength: Strength = { payloadClass, alpha: change.alpha, cancelled };
      return { strength, statistic: expectedStatistic(strength), rms: change.rms.predicted, change };
    },
  };
}

/** Told from the number of weights alone. */
export function spreadSize(weights: number): CarrierSize {
  return {
    name: "spread",
    units: weights,
    doubt: null,
    strength(payloadClass, rho) {
      const energy = markEnergy(weights, rho);
      if (payloadClass.payloadBits !== 0) return cancellingStrength(energy, payloadClass);
      // A mark without payload cancels nothing: all of its energy goes into the sum.
      return { payloadClass, alpha: Math.sqrt(energy / chipCount(payloadClass)), cancelled: 0 };
    },
  };
}
