import { type AdapterSilence, adapterEvidence } from "../deep/adapter-evidence.ts";
import { isBareAdapter } from "../deep/adapter-layers.ts";
import { type AttentionSource, attentionOfWeights, keptAttention } from "../deep/attention-source.ts";
import { LOG10_TRIED } from "./deep-finding.ts";
import { labelResults } from "./label-results.ts";
import { LOG10_THRESHOLD, type TestResult, type Verdict } from "./result.ts";
import type { Subject } from "./subject.ts";

/**
 * Agreement of the channels of values from which a base's own adapters, and those of its relatives, are told from those of its
 * siblings, whose W_o is another.
 */
const STRENGTH = 0.35;

/** Corrected p that those channels must have by themselves: few labels are strong by chance, and a stream may have been given. */
const LOG10_OF_VALUES = -3;

/** What a LoRA adapter alone and a model say of each other. */
export interface AdapterFinding {
  readonly adapter: Subject;
  readonly verdict: Extract<Verdict, "derived" | "shared-init" | "no-evidence" | "not-testable">;
  /** Why nothing could be tested; null where something was. */
  readonly silence: AdapterSilence | null;
  readonly log10P: number | null;
  readonly log10Tried: number;
  readonly tests: readonly TestResult[];
  /** Mean correlation of what the base predicts of channels of values with what the adapter has; null without a test of those. */
  readonly strength: number | null;
}

/** Null where not one of the two is an adapter and nothing else. Says the same whichever of the two is called the base. */
export async function adapterFinding(
  suspect: Subject,
  base: Subject,
  log10Hypotheses: number,
  signal?: AbortSignal,
): Promise<AdapterFinding | null> {
  const [isFirst, isSecond] = [suspect, base].map(isAdapter);
  if (isFirst === isSecond) return null;
  const [adapter, model] = isFirst ? [suspect, base] : [base, suspect];
  if (adapter.checkpoint === null) return null;
  const source = attentionOf(model, signal);
  const evidence = source === null ? "not-kept" : await adapterEvidence(adapter.checkpoint, source, signal);
  if (typeof evidence === "string") {
    const nothing = { log10P: null, log10Tried: log10Hypotheses, tests: [], strength: null };
    return { ...nothing, adapter, verdict: "not-testable", silence: evidence };
  }
  const values = evidence.values.flatMap((found) => labelResults(found, "channels", "anchors", NULL));
  const stream = evidence.stream.flatMap((found) => labelResults(found, "residual", "anchors", NULL));
  const log10Tried = LOG10_TRIED + Math.log10(evidence.ways) + log10Hypotheses;
  const smallest = (tests: readonly TestResult[]): number =>
    Math.min(0, Math.min(...tests.map((test) => test.log10P!)) + log10Tried);
  const tests = [...values, ...stream];
  const [log10P, log10OfValues] = [smallest(tests), values.length === 0 ? 0 : smallest(values)];
  const strength = meanOf(evidence.values.map(({ r }) => r));
  const isStrong = strength !== null && strength >= STRENGTH && log10OfValues <= LOG10_OF_VALUES;
  const verdict = log10P > LOG10_THRESHOLD ? "no-evidence" : isStrong ? "derived" : "shared-init";
  return { adapter, verdict, silence: null, log10P, log10Tried, tests, strength };
}

/** An adapter's own fingerprint keeps nothing of its factors. */
function isAdapter({ checkpoint }: Subject): boolean {
  return checkpoint !== null && isBareAdapter(checkpoint.tensors);
}

function attentionOf({ checkpoint, fingerprint }: Subject, signal?: AbortSignal): AttentionSource | null {
  if (checkpoint !== null) return attentionOfWeights(checkpoint, signal);
  const { attention } = fingerprint;
  return attention === undefined ? null : keptAttention(fingerprint, attention);
}

const NULL =
  "labels of the model that an adapter was trained on are exchangeable, given those that the map was fitted to";

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
