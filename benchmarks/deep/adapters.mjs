/** Adapters alone against their bases, relatives and siblings of those, and strangers: both ways round, at depth deep. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compare, openSubject, parseFingerprint, serializeFingerprint } from "../../dist/src/index.js";
import { kolmogorovP } from "../../dist/src/numerics/kolmogorov.js";
import { summariseZ } from "../calibration/null-summary.mjs";

/**
 * One row for each pair of the manifest that benchmarks/lab writes.
 *
 * @param stored whether all that is known of a base is its fingerprint, from its file
 */
export async function judgeAdapters(manifest, stored = false) {
  const folder = dirname(manifest);
  const opened = new Map();
  const open = async (path, isBase) => {
    if (!opened.has(path)) {
      const subject = await openSubject(join(folder, path), { deep: stored && isBase });
      opened.set(path, subject);
      if (stored && isBase) opened.set(path, await throughFile(subject));
    }
    return opened.get(path);
  };
  const rows = [];
  for (const { adapter, base, kind, change } of JSON.parse(readFileSync(manifest, "utf8"))) {
    const pair = [await open(adapter, false), await open(base, true)];
    const found = await compare(...pair, { monteCarlo: false, deep: true });
    const back = await compare(...pair.toReversed(), { monteCarlo: false, deep: true });
    rows.push(rowOf({ adapter, base, kind, change }, found, back));
  }
  for (const subject of opened.values()) await subject.close();
  return rows;
}

async function throughFile(subject) {
  const { name, fingerprint } = subject;
  await subject.close();
  const read = await parseFingerprint(serializeFingerprint(fingerprint), name);
  return { name, fingerprint: read, checkpoint: null, root: false, close: async () => {} };
}

/** Only what was trained on the adapter's own base may be called derived with it, and no stranger may be called anything. */
function rowOf(pair, { verdict, log10P, tests }, back) {
  const isRelated = pair.kind === "own" || pair.kind === "relative";
  const isClaim = verdict === "derived" || (pair.kind === "stranger" && verdict === "shared-init");
  const isWrong = (!isRelated && isClaim) || back.verdict !== verdict || back.log10P !== log10P;
  const sides = Object.fromEntries(
    ["channels", "residual"].map((side) => [side, tests.filter(({ axis, seenFrom }) => axis === side && seenFrom)]),
  );
  return { ...pair, verdict, log10P, sides, isWrong };
}

export function adapterTable(rows) {
  const groups = groupBy(rows, keyOf);
  const lines = [...groups].map(([key, list]) => {
    const count = (verdict) => list.filter((row) => row.verdict === verdict).length;
    const silent = count("no-evidence") + count("not-testable");
    const p = list.map(({ log10P }) => log10P ?? 0).sort((a, b) => a - b);
    const range = (side) => rangeOf(list.map((row) => strengthOf(row.sides[side])).filter((r) => r !== null));
    const cells = [list.length, count("derived"), count("shared-init"), silent, range("channels"), range("residual")];
    return `| ${[key, ...cells, p[0].toFixed(1), p[p.length >> 1].toFixed(1)].join(" | ")} |`;
  });
  const head =
    "| base is | adapter | pairs | derived | shared-init | silent | r of B, least to most | r of A | smallest log10 p | median |";
  const wrong = rows.filter(({ isWrong }) => isWrong).length;
  return `${head}\n|${" --- |".repeat(10)}\n${lines.join("\n")}\n\n${nullsOf(rows)}\n${rows.length} pairs, ${wrong} wrong\n`;
}

function keyOf({ kind, change }) {
  return `${kind} | ${change}`;
}

function groupBy(rows, key) {
  const groups = new Map();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return groups;
}

/** Mean r over both halves. */
function strengthOf(tests) {
  const found = tests.filter(({ name }) => name === "T1-swap").map(({ r }) => r);
  return found.length === 0 ? null : found.reduce((sum, r) => sum + r, 0) / found.length;
}

function rangeOf(values) {
  return values.length === 0 ? "-" : `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
}

/** The tests on strangers: z against a standard normal, and how small p became. */
function nullsOf(rows) {
  const strangers = rows.filter(({ kind }) => kind === "stranger");
  const lines = ["channels", "residual"].flatMap((side) => {
    const tests = strangers.flatMap((row) => row.sides[side]);
    const summary = summariseZ(tests.filter(({ name }) => name === "T1-swap").map(({ z }) => z));
    if (summary === null) return [];
    const { pairs, mean, sd, largest, ks } = summary;
    const smallest = Math.min(...tests.map(({ log10P }) => log10P));
    return [
      `| ${[side, pairs, mean, sd, largest, kolmogorovP(ks, pairs).toFixed(2), smallest.toFixed(2)].join(" | ")} |`,
    ];
  });
  const head = "| labels, of strangers | draws | mean z | SD | largest | KS p | smallest log10 p |";
  return `${head}\n|${" --- |".repeat(7)}\n${lines.join("\n")}\n`;
}
