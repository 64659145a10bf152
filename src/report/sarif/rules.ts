import type { Accusing } from "../scan/finding.ts";

export const MARK_RULE = "watermark-found";

export const CALIBRATED_RULE = "weights-alike-calibrated";
export const SIGNATURE_RULE = "signature-does-not-hold";

export type RuleId = `weights-${Accusing}` | typeof MARK_RULE | typeof CALIBRATED_RULE | typeof SIGNATURE_RULE;
export type Level = "error" | "warning" | "note";

interface Rule {
  readonly id: RuleId;
  readonly name: string;
  readonly short: string;
  readonly full: string;
  readonly level: Level;
  /** @default LIMITS */
  readonly limits?: string;
}

const LIMITS =
  "The finding rests on the weights alone, by exact tests whose p-value is corrected for everything that was tried; " +
  "docs/method.md states their assumptions. A duplicate was not read: its content has the digest of the model that was. It says nothing about licences, permission or intent. A model without such a result was not shown to be unrelated.";

const RULES: readonly Rule[] = [
  {
    id: "weights-identical",
    name: "IdenticalWeights",
    short: "The weights of the model equal those of a registered base wherever they were read.",
    full: "Sampled weights equal those of a registered base value for value, whatever names, order and sharding say.",
    level: "warning",
  },
  {
    id: "weights-recast",
    name: "RecastWeights",
    short: "The model holds the weights of a registered base in another number format.",
    full: "The weights agree with those of a registered base up to the rounding of a number format or a quantisation.",
    level: "warning",
  },
  {
    id: "weights-derived",
    name: "SharedTrainedWeights",
    short: "The model, or a part of it that the message names, shares trained weights with a registered base.",
    full: "Trained weights agree far beyond chance. Which of the two came first is stated only where it is established: where the base is registered as trained from scratch and all of it is there. A part may come to both from a third.",
    level: "warning",
  },
  {
    id: "weights-shared-init",
    name: "SharedInitialWeights",
    short: "The model goes back at least to the same initial weights as a registered base, or holds the same table.",
    full: "The weights agree in what initialisation alone would leave, or a token table or some matrices are the same. That more trained weights are shared is not shown.",
    level: "note",
  },
  {
    id: MARK_RULE,
    name: "WatermarkFound",
    short: "The model carries the watermark of one of the keys.",
    full: "A statistic that only the holder of the key can compute is far beyond chance. p is corrected for carriers, payloads, alignments and the number of keys.",
    level: "warning",
  },
  {
    id: CALIBRATED_RULE,
    name: "AlikeWithoutProof",
    short:
      "The model is as much like a base as only relatives were measured to be; no p-value exists, and this is no proof.",
    full: "After its parts were matched to those of a base, the model resembles it more than unrelated models did when the measure was set up. No label that could be tested shows it.",
    level: "note",
    limits:
      "The finding is calibrated on other models and has no p-value. It says nothing about licences, permission or intent.",
  },
  {
    id: SIGNATURE_RULE,
    name: "SignatureDoesNotHold",
    short: "The signature of the model proves nothing, or its files are not those that were signed.",
    full: "Verification by OpenSSF Model Signing v1.0 failed; the message says why, with the code of docs/errors.md.",
    level: "error",
    limits: "A model without such a result was not shown to be signed: only a verification that holds shows that.",
  },
];

export function ruleIndex(id: RuleId): number {
  return RULES.findIndex((rule) => rule.id === id);
}

export function ruleLevel(id: RuleId): Level {
  return RULES[ruleIndex(id)]!.level;
}

/** reportingDescriptor objects (SARIF 2.1.0, 3.49). */
export function ruleDescriptors(): object[] {
  return RULES.map(({ id, name, short, full, level, limits = LIMITS }) => ({
    id,
    name,
    shortDescription: { text: short },
    fullDescription: { text: full },
    help: { text: `${full} ${limits}` },
    defaultConfiguration: { level },
    properties: { tags: ["provenance", "model-weights"] },
  }));
}

/** Kinds of failures: why a model has no result. */
const NOTIFICATIONS = [
  {
    id: "model-refused",
    text: "The model is malformed, or access to it was refused: of its weights nothing is known.",
  },
  { id: "model-not-reached", text: "The network or the machine failed: resuming the scan tries the model again." },
  { id: "internal-error", text: "A bug in weightmark, kept to this model." },
] as const;

export type NotificationId = (typeof NOTIFICATIONS)[number]["id"];

export function notificationIndex(id: NotificationId): number {
  return NOTIFICATIONS.findIndex((notification) => notification.id === id);
}

export function notificationDescriptors(): object[] {
  return NOTIFICATIONS.map(({ id, text }) => ({ id, shortDescription: { text } }));
}
