/**
 * The sibling curve after one side was changed: noise, rounding and pruning take from the initialisation that siblings have
 * in common, and must not make them look like parent and child.
 *
 *   node benchmarks/siblings-changed.mjs MANIFEST [--every 16] [--json]
 *
 * MANIFEST is siblings/manifest.json of benchmarks/lab. Takes every so many of the sibling pairs that differ in text or
 * order, a quarter as many of the derivatives of bases with 320 steps and more, and holds them against each other with
 * each change on either side. Prints a Markdown table, or every pair as JSON.
 *
 * Exit code 1 when a sibling was called derived, recast or identical.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { compare, fingerprint, openCheckpoint } from "../dist/src/index.js";
import { CHANGES, withChanged } from "./siblings/changes.mjs";
import { RELATED, TRAINED_STEPS } from "./siblings/outcome.mjs";

/** Siblings that read the same text in the same order are told apart by nothing. */
const ONE_TEXT = new Set(["sibling-decay", "sibling-batch", "sibling-optimiser", "sibling-schedule"]);
const DERIVATIVES_PER = 4;
/** Fingerprints that are held at a time. */
const MOST_KNOWN = 400;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { every: { type: "string", default: "16" }, json: { type: "boolean" } },
});
if (positionals.length !== 1) throw new Error("name the manifest");
const folder = dirname(positionals[0]);
const every = Number(values.every);
const manifest = JSON.parse(readFileSync(positionals[0], "utf8"));
const some = (pairs, step) => pairs.filter((_, i) => i % step === 0);
const pairs = [
  ...some(
    manifest.filter(({ expected, kind }) => expected === "sibling" && !ONE_TEXT.has(kind)),
    every,
  ),
  ...some(
    manifest.filter(({ expected, baseSteps }) => expected === "derivative" && baseSteps >= TRAINED_STEPS),
    Math.max(1, Math.round(every / DERIVATIVES_PER)),
  ),
];

const rows = [];
const known = new Map();
for (const pair of pairs) {
  if (known.size > MOST_KNOWN) known.clear();
  rows.push(await judge(pair, null, null));
  for (const change of Object.keys(CHANGES)) {
    for (const side of ["suspect", "base"]) rows.push(await judge(pair, change, side));
  }
}
process.stdout.write(values.json ? `${JSON.stringify(rows, null, 1)}\n` : table());
process.exitCode = rows.some((row) => row.expected === "sibling" && RELATED.has(row.verdict)) ? 1 : 0;

async function judge(pair, change, side) {
  const suspect = await subjectOf(pair.suspect, side === "suspect" ? change : null, false);
  const base = await subjectOf(pair.base, side === "base" ? change : null, true);
  const { verdict, components } = await compare(suspect, base);
  return { ...pair, change, side, verdict, learned: components.find(({ learned }) => learned)?.learned ?? null };
}

async function subjectOf(path, change, root) {
  const key = `${path} ${change}`;
  if (!known.has(key)) {
    const model = join(folder, path);
    known.set(key, await (change === null ? read(model) : withChanged(model, change, read)));
  }
  return { name: path, checkpoint: null, fingerprint: known.get(key), root };
}

async function read(path) {
  const checkpoint = await openCheckpoint(path);
  try {
    return await fingerprint(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

function table() {
  const lines = [null, ...Object.keys(CHANGES)].map((change) => {
    const of = (expected) => rows.filter((row) => row.change === change && row.expected === expected);
    const related = (found) => found.filter(({ verdict }) => RELATED.has(verdict)).length;
    const [siblings, derivatives] = [of("sibling"), of("derivative")];
    const cells = [siblings.length, related(siblings), derivatives.length, related(derivatives)];
    return `| ${[change ?? "none", ...cells].join(" | ")} |\n`;
  });
  return `| change of one side | siblings | derived | derivatives | derived |\n| --- | --- | --- | --- | --- |\n${lines.join("")}`;
}
