import { formatNumber } from "./numbers.ts";
import type { CompareReport } from "./schemas/index.ts";

/** A test of a comparison, for whoever prints it: component names are raw. */
export type Test = CompareReport["tests"][number];

const AXES = {
  residual: "residual axis",
  neurons: "neuron axis",
  channels: "hidden channels",
  tokens: "token rows",
  ranks: "ranks of adapters",
} as const;
const SEEN_FROM = {
  tokens: "seen from tokens",
  anchors: "seen from one another",
  untrained: "never trained",
  starts: "by their A's",
} as const;

/** What a test looked at. */
export function axisText({ axis, seenFrom }: Pick<Test, "axis" | "seenFrom">): string {
  return seenFrom === undefined ? AXES[axis] : `${AXES[axis]}, ${SEEN_FROM[seenFrom]}`;
}

/** What it found; empty where it has no statistic that says something by itself. */
export function statisticText({ name, fixedPoints, m, n, z }: Test): string {
  if (name === "LIS") return `${m} of ${n} matched labels in one order`;
  if (name === "agreement") return `${m} of ${n} matrices at least as small`;
  if (fixedPoints !== undefined) return `${fixedPoints} of ${n} labels in place`;
  return z === null ? "" : `z ${formatNumber(z)}`;
}

/** How its p is known. */
export function kindText({ exact, monteCarloP }: Pick<Test, "exact" | "monteCarloP">): string {
  const relabelled = typeof monteCarloP === "number" ? `; ${monteCarloP.toPrecision(2)} by random relabelling` : "";
  return `${exact ? "exact" : "asymptotic"}${relabelled}`;
}

/** How many hypotheses a p is corrected for. */
export function triedText(log10Tried: number): string {
  const tried = 10 ** log10Tried;
  if (!(tried < 1e6)) return `10^${log10Tried.toFixed(1)}`;
  // Not by locale, for one number: to load what locales are takes as long as all tests of it.
  return String(Math.round(tried)).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
