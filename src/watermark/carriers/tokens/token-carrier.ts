import type { Strength } from "../../evidence/strength.ts";
import type { TensorEdit } from "../../host/tensor-edit.ts";
import { messageSymbols } from "../../message/message.ts";
import type { Carrier, MarkableCarrier } from "../carrier.ts";
import type { TokenFinding } from "./read-tokens.ts";
import { tokenEdits } from "./token-edits.ts";
import type { StoredTokenMatrix } from "./token-matrix.ts";
import { planTokens } from "./token-plan.ts";
import { tokenDecoys, tokenReading } from "./token-reading.ts";

/** A token matrix under one way of addressing its rows. */
export function tokenCarrier({ units }: TokenFinding): Carrier {
  return {
    name: units.carrier,
    units: units.values.length,
    reading: (payloadClass) => tokenReading(units, payloadClass),
    decoys: () => tokenDecoys(units),
  };
}

/** Moves token rows along secret directions. */
export function storedTokenCarrier(
  finding: TokenFinding<StoredTokenMatrix>,
): MarkableCarrier<ReadonlyMap<string, TensorEdit>> {
  const { matrix, units } = finding;
  return {
    ...tokenCarrier(finding),
    doubt: null,
    plan(message, payloadClass) {
      const marks = messageSymbols(message, payloadClass, units.carrier);
      const plan = planTokens(matrix, units, marks, payloadClass, message.key, message.rho);
      if (plan === null) return null;
      const cancelled = payloadClass.payloadBits === 0 ? 0 : 1;
      const strength: Strength = { payloadClass, alpha: plan.alpha, cancelled };
      return { strength, statistic: plan.statistic, rms: plan.rms, change: tokenEdits(matrix, plan.edit) };
    },
  };
}
