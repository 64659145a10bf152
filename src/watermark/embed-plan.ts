import { chipsOfBlock } from "./carriers/orientation/chips.ts";
import { planOrientation, type SignFlips } from "./carriers/orientation/flips.ts";
import type { OrientationUnits } from "./carriers/orientation/projections.ts";
import { orientationReading } from "./carriers/orientation/reading.ts";
import { planSpread, type SpreadPlan } from "./carriers/spread/plan.ts";
import type { SpreadUnits } from "./carriers/spread/spread-units.ts";
import type { StoredTokenMatrix } from "./carriers/tokens/token-matrix.ts";
import { planTokens, type TokenPlan } from "./carriers/tokens/token-plan.ts";
import { softStatistic } from "./evidence/statistics.ts";
import { chooseClass, expectedStatistic, orientationStrength, type Strength } from "./evidence/strength.ts";
import type { ModelKey } from "./key/model-key.ts";
import { type Message, messageSymbols } from "./message/message.ts";
import type { PayloadClass } from "./message/payload-class.ts";
import type { TokenFinding } from "./readings.ts";

/** A carrier that will be embedded, and how strongly it stands then. */
export interface Planned<Plan> {
  readonly strength: Strength;
  readonly statistic: number;
  readonly plan: Plan;
}

/** Turns signs so that the model says the message, at no cost; null when it has too few signs to turn. */
export function planSigns(units: OrientationUnits, message: Message): Planned<SignFlips> | null {
  const strength = chooseClass(message.payload?.bits ?? 0, (payloadClass) =>
    orientationStrength(units.present, payloadClass),
  );
  if (strength === null) return null;
  const { payloadClass } = strength;
  const marks = messageSymbols(message, payloadClass, "orientation");
  const turned = turnedUnits(units, marks, payloadClass, message.key);
  return {
    strength,
    statistic: softStatistic(orientationReading(turned, payloadClass, message.key), marks),
    plan: planOrientation(units, marks, payloadClass, message.key),
  };
}

/** The projections after every sign says what it should. */
function turnedUnits(
  units: OrientationUnits,
  marks: Int8Array,
  payloadClass: PayloadClass,
  key: ModelKey,
): OrientationUnits {
  const blocks = units.blocks.map((block) => {
    const { chips, coins } = chipsOfBlock(block, payloadClass, key);
    return { ...block, projections: block.projections.map((y, g) => coins[g]! * marks[chips[g]!]! * Math.abs(y)) };
  });
  return { ...units, blocks };
}

/** Moves the weights of the layers; null when their number does not carry the energy. */
export function planWeights(units: SpreadUnits, message: Message): Planned<SpreadPlan> | null {
  const plans = new Map<PayloadClass, SpreadPlan>();
  const strength = chooseClass(message.payload?.bits ?? 0, (payloadClass) => {
    const marks = messageSymbols(message, payloadClass, "spread");
    const plan = planSpread(units, marks, payloadClass, message.key, message.rho);
    if (plan === null) return null;
    plans.set(payloadClass, plan);
    return { payloadClass, alpha: plan.alpha, cancelled: payloadClass.payloadBits === 0 ? 0 : 1 };
  });
  if (strength === null) return null;
  return { strength, statistic: expectedStatistic(strength), plan: plans.get(strength.payloadClass)! };
}

/** Moves token rows along secret directions; null when the vocabulary does not carry the energy. */
export function planTokenMatrix(finding: TokenFinding<StoredTokenMatrix>, message: Message): Planned<TokenPlan> | null {
  const plans = new Map<PayloadClass, TokenPlan>();
  const strength = chooseClass(message.payload?.bits ?? 0, (payloadClass) => {
    const found = tokenStrength(finding, message, payloadClass);
    if (found !== null) plans.set(payloadClass, found.plan);
    return found?.strength ?? null;
  });
  if (strength === null) return null;
  const plan = plans.get(strength.payloadClass)!;
  return { strength, statistic: plan.statistic, plan };
}

/** How strongly a token matrix says a message of the class, and how it is made to. */
export function tokenStrength(
  { matrix, units }: TokenFinding<StoredTokenMatrix>,
  message: Message,
  payloadClass: PayloadClass,
): { readonly strength: Strength; readonly plan: TokenPlan } | null {
  const marks = messageSymbols(message, payloadClass, units.carrier);
  const plan = planTokens(matrix, units, marks, payloadClass, message.key, message.rho);
  if (plan === null) return null;
  const cancelled = payloadClass.payloadBits === 0 ? 0 : 1;
  return { strength: { payloadClass, alpha: plan.alpha, cancelled }, plan };
}
