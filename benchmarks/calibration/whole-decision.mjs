import { compare } from "../../dist/src/index.js";
import { round } from "../support/statistics.mjs";
import { summariseZ } from "./null-summary.mjs";

const SILENT = new Set(["no-evidence", "not-testable"]);
const SAME_TABLE = /the table is the same|tables are the same/;
/** z of a pairing that was chosen among many is the largest of many, and is corrected for that. */
const FEW_TRIED = 2;
/** Pairs that are written out, of those that went wrong. */
const SHOWN = 5;

/** What is wrong with a result for models of which nothing but `expect` is shared; null when nothing is. */
export function falseWord(
  { verdict, direction, parents, relations, components, summary },
  { expect = "strangers", shared } = {},
) {
  if (direction !== "not-established" || parents.length > 0) return `direction ${direction}`;
  if (/derives? from/.test(summary)) return `summary: ${summary}`;
  const isPart = (name) => shared?.(name) === true;
  const isTable = ({ component, verdict: word, reason }) =>
    expect === "table" &&
    component === "embeddings" &&
    (word === "identical" || word === "recast") &&
    SAME_TABLE.test(reason ?? "");
  for (const part of components) {
    if (SILENT.has(part.verdict) || isTable(part)) continue;
    if (expect === "start" && part.verdict === "shared-init") continue;
    // The word is for what both models have under these names: one of them must not be anybody's own.
    if (isPart(part.component) && isPart(part.suspectComponent)) continue;
    return `${part.component}: ${part.verdict}`;
  }
  if (SILENT.has(verdict) || (expect === "part" && (verdict === "derived" || verdict === "shared-init"))) return null;
  if (expect === "start" && verdict === "shared-init") return null;
  if (expect === "table" && verdict === "shared-init" && /same token table/.test(summary)) return null;
  return relations.length > 0 ? `${verdict} (${relations.join(", ")})` : verdict;
}

/** The whole decision on pairs of subjects that share nothing but what `kind` says. */
export async function decideAll(pairs, kind) {
  const counts = { verdicts: new Map(), tables: 0 };
  const wrong = [];
  const z = new Map();
  let smallest = 0;
  let body = 0;
  const agreements = [];
  for (const [suspect, base] of pairs) {
    const result = await compare(suspect, base, { monteCarlo: false });
    counts.verdicts.set(result.verdict, (counts.verdicts.get(result.verdict) ?? 0) + 1);
    const word = falseWord(result, kind);
    if (word !== null)
      wrong.push({
        suspect: suspect.name,
        base: base.name,
        word,
        log10P: result.log10P,
        components: result.components,
      });
    for (const { component, suspectComponent, verdict, log10P } of result.components) {
      if (kind?.shared?.(component) && kind.shared(suspectComponent)) continue;
      // Tables that agree are never more than not-testable: their p says nothing that could be false.
      if (component === "embeddings" && verdict !== "no-evidence") continue;
      smallest = Math.min(smallest, log10P ?? 0);
      if (component !== "embeddings" && log10P !== null) body++;
    }
    for (const test of result.tests) {
      const key = `${test.name} ${test.axis}${test.turned ? " turned" : ""}`;
      if (kind?.shared?.(test.component)) continue;
      if (test.name === "agreement") agreements.push(test.log10P);
      if (test.z === null || result.log10Tried > FEW_TRIED) continue;
      if (!z.has(key)) z.set(key, []);
      z.get(key).push(test.z);
    }
  }
  return {
    pairs: pairs.length,
    verdicts: Object.fromEntries(counts.verdicts),
    falseWords: wrong.length,
    shown: wrong.slice(0, SHOWN),
    smallestLog10P: round(smallest),
    notTestable: round((counts.verdicts.get("not-testable") ?? 0) / Math.max(1, pairs.length)),
    // Stacks for which a p was computed: where this is 0 nothing could have gone wrong.
    testedStacks: body,
    agreement: summariseTails(agreements),
    z: Object.fromEntries([...z].map(([key, values]) => [key, summariseZ(values)])),
  };
}

/** How often p is at most so much, which it must not be more often. */
function summariseTails(log10) {
  if (log10.length === 0) return null;
  const share = (p) => round(log10.filter((x) => x <= Math.log10(p)).length / log10.length);
  return {
    tests: log10.length,
    p05: share(0.05),
    p01: share(0.01),
    p001: share(0.001),
    smallest: round(Math.min(...log10)),
  };
}

/** What related pairs come out as, by change. */
export async function decideRelated(related) {
  const rows = [];
  for (const [change, pairs] of related) {
    const verdicts = new Map();
    const tails = [];
    let reason = null;
    for (const [suspect, base] of pairs) {
      const { verdict, log10P, components } = await compare(suspect, base, { monteCarlo: false });
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      tails.push(log10P ?? 0);
      if (verdict !== "derived")
        reason ??= components.map((c) => `${c.component}: ${c.verdict}, ${c.reason}`).join("; ");
    }
    rows.push({
      change,
      pairs: pairs.length,
      verdicts: Object.fromEntries(verdicts),
      largestLog10P: round(Math.max(...tails)),
      reason,
    });
  }
  return rows;
}
