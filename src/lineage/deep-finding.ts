import type { DeepEvidence } from "../deep/deep-evidence.ts";
import type { OrderTest } from "../deep/order-test.ts";
import { labelResults } from "./label-results.ts";
import { learnedRetention, type Retention } from "./learned-retention.ts";
import { type DeepSummary, LOG10_THRESHOLD, type Moved, type TestResult, type Verdict } from "./result.ts";
import { sliceRetention } from "./retention.ts";
import { sharesTraining } from "./shares-training.ts";

/** Tests that any pair is put to: five of labels with two tails each, two orders; twice, for tokens found by content. */
export const LOG10_TRIED = Math.log10(24);
/** Strength of rows that were never trained, below which tokens that were misjudged may speak. */
const UNTRAINED_STRENGTH = 0.1;
/** Strength after alignment below which models that go back to one start, or merges, lie. */
const STRENGTH = 0.3;
/** Shares of columns, or of matched neurons, by which an order is called kept or lost. */
const MOST = 0.8;
const HALF = 0.5;

/** Labels of a model's layers, and not of its tables. */
export const OF_MODEL: readonly TestResult["axis"][] = ["neurons", "channels"];

/** What the deep tests say where the plain ones are silent. */
export interface DeepFinding {
  readonly verdict: Extract<Verdict, "derived" | "shared-init" | "no-evidence">;
  /** What the verdict rests on; null where nothing is claimed. */
  readonly basis: "exact" | "calibrated" | null;
  /** Corrected; null where no label test could be made. */
  readonly log10P: number | null;
  readonly log10Tried: number;
  readonly tests: readonly TestResult[];
  readonly moved: readonly Moved[];
  /** Medians over layers: mean cosine of matched gates, and of what those neurons read and write; of tokens held out. */
  readonly strength: DeepSummary["strength"];
  readonly retention: Retention | null;
}

/** Null where nothing could be tested. Says the same whichever of the two comes first. */
export async function deepFinding(evidence: DeepEvidence, log10Hypotheses: number): Promise<DeepFinding | null> {
  const tests = testsOf(evidence);
  const strength = strengthOf(evidence);
  if (tests.length === 0 && strength === null) return null;
  const counted = tests.filter(isCounted);
  const log10Tried = LOG10_TRIED + log10Hypotheses;
  const smallest = (of: readonly TestResult[]): number | null =>
    of.length === 0 ? null : Math.min(0, Math.min(...of.map((test) => test.log10P!)) + log10Tried);
  // A table may have been given to both: the order of its dimensions is no word on the model.
  const log10P = smallest(counted.filter(({ axis, seenFrom }) => OF_MODEL.includes(axis) || seenFrom === "untrained"));
  const isExact = log10P !== null && log10P <= LOG10_THRESHOLD;
  const isStrong = strength !== null && strength.gate >= STRENGTH && strength.through >= STRENGTH;
  const isCalibrated = !isExact && isStrong && (strength.tokens ?? STRENGTH) >= STRENGTH;
  const moved = isExact || isCalibrated ? movedOf(evidence) : [];
  const finding = { log10Tried, tests, moved, strength, log10P: isCalibrated ? null : log10P };
  if (!isExact && !isCalibrated) return { ...finding, verdict: "no-evidence", basis: null, retention: null };
  const retention = isStrong ? await retentionOf(evidence) : null;
  const isTraining = retention !== null && sharesTraining(retention, true);
  const ofModel = smallest(counted.filter(({ axis }) => OF_MODEL.includes(axis)));
  if (!isTraining && (ofModel === null || ofModel > LOG10_THRESHOLD)) {
    return { ...finding, verdict: "no-evidence", basis: null, moved: [], log10P: ofModel, retention };
  }
  return {
    ...finding,
    verdict: isTraining ? "derived" : "shared-init",
    basis: isExact ? "exact" : "calibrated",
    retention,
  };
}

async function retentionOf(evidence: DeepEvidence): Promise<Retention | null> {
  const slices = await evidence.slices();
  return learnedRetention(
    slices.flatMap(({ role, first, second }) => sliceRetention(second, first, { role, layer: 0 }) ?? []),
  );
}

function strengthOf({ strength, tokens }: DeepEvidence): DeepFinding["strength"] {
  if (strength.length === 0 || tokens === null) return null;
  const median = (values: readonly number[]): number => [...values].sort((x, y) => x - y)[values.length >> 1]!;
  return {
    gate: median(strength.map(({ gate }) => gate)),
    through: median(strength.map(({ through }) => through)),
    tokens: tokens.how === "content" ? null : (tokens.heldOut?.r ?? 0),
  };
}

const EXCHANGEABLE = "labels of one model are exchangeable, given all that the streams were mapped by";
const FOURS =
  "value channels of one head are exchangeable, given all that the streams were mapped by; heads are a multiple of four wide";
const UNTRAINED = "rows of tokens that training never saw are exchangeable";
const ORDER = "renumbering leaves who is matched with whom, and shuffles the order";

function testsOf({ neurons, anchors, channels, order, tokens }: DeepEvidence): readonly TestResult[] {
  return [
    ...(tokens?.untrained ?? []).flatMap((found) => labelResults(found, "tokens", "untrained", UNTRAINED)),
    ...labelResults(neurons, "neurons", "tokens", EXCHANGEABLE),
    ...labelResults(anchors, "neurons", "anchors", EXCHANGEABLE),
    ...labelResults(channels, "channels", "tokens", FOURS),
    ...(tokens?.columns ? [orderResult(tokens.columns, "residual")] : []),
    ...(order === null ? [] : [orderResult(order, "neurons")]),
  ];
}

/** A test of rows that may have been trained after all counts only where it is strong. */
function isCounted({ seenFrom, r }: TestResult): boolean {
  return seenFrom !== "untrained" || (r ?? 0) >= UNTRAINED_STRENGTH;
}

function orderResult({ matched, increasing, log10P }: OrderTest, axis: TestResult["axis"]): TestResult {
  return {
    name: "LIS",
    component: "",
    axis,
    seenFrom: "tokens",
    z: null,
    log10P,
    exact: true,
    n: matched,
    m: increasing,
    assumptions: [ORDER],
  };
}

/** What was renumbered or rotated, of two models that have much in common. */
function movedOf({ widths, tokens, neurons, channels, order }: DeepEvidence): readonly Moved[] {
  const moved: Moved[] = [];
  if (widths[0] !== widths[1]) moved.push("width");
  else if (tokens?.columns && tokens.columns.matched < HALF * tokens.columns.labels) moved.push("residual-rotated");
  else if (tokens?.columns && tokens.columns.increasing < MOST * tokens.columns.matched)
    moved.push("residual-permuted");
  const isMatched = neurons !== null && neurons.matched >= HALF * neurons.labels;
  if (isMatched && neurons.fixed < MOST * neurons.matched) moved.push("neurons");
  else if (neurons === null && order !== null && order.increasing < MOST * order.matched) moved.push("neurons");
  // Strangers' channels are each other's nearest by half; those of heads that were mixed are not, and say nothing.
  const isFound = channels !== null && channels.nearest >= MOST * channels.sought;
  if (isFound && channels.inPlace < MOST * channels.nearest)
    moved.push(channels.inFours < MOST * channels.nearest ? "channels" : "heads");
  if (tokens !== null && tokens.how !== "ids") moved.push("vocabulary");
  return moved;
}
