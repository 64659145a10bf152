/**
 * Every pair of the lab's manifest through fingerprint and compare, against the verdict that must come out.
 *
 *   node benchmarks/derivatives.mjs MANIFEST [--json]
 *
 * Prints a Markdown table, or JSON; exit code 1 when a row is wrong. Right is: for related pairs the expected verdict, or
 * another one of identical, recast and derived, with a corrected p of at most 1e-20; otherwise the expected verdict.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { compare as compareSubjects, fingerprint as fingerprintCheckpoint, openCheckpoint } from "../dist/src/index.js";
import { round } from "./support/statistics.mjs";

const RELATED = new Set(["identical", "recast", "derived"]);
const LOG10_BAR = -20;

const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" } } });
if (positionals.length !== 1) throw new Error("name the manifest");
const folder = dirname(positionals[0]);

const subjects = new Map();
const rows = [];
for (const row of JSON.parse(readFileSync(positionals[0], "utf8"))) {
  const suspect = await subjectOf(row.path, row.name, false);
  const base = await subjectOf(row.basePath, row.base, true);
  rows.push(judge(row, await compareSubjects(suspect, base)));
}
for (const { checkpoint } of subjects.values()) await checkpoint.close();
process.stdout.write(values.json ? `${JSON.stringify(rows, null, 1)}\n` : table(rows));
process.exitCode = rows.every((row) => row.ok) ? 0 : 1;

async function subjectOf(path, name, root) {
  let subject = subjects.get(path);
  if (!subject) {
    const checkpoint = await openCheckpoint(join(folder, path));
    subject = { checkpoint, fingerprint: await fingerprintCheckpoint(checkpoint) };
    subjects.set(path, subject);
  }
  return { ...subject, name, root };
}

function judge({ name, base, change, expected }, result) {
  const z = (axis) => result.tests.find((t) => t.name === "T1" && t.axis === axis && t.component !== "embeddings")?.z;
  const body = result.components.find((c) => c.component !== "embeddings") ?? result.components[0];
  const ok = RELATED.has(expected)
    ? RELATED.has(result.verdict) && result.log10P <= LOG10_BAR
    : result.verdict === expected;
  return {
    name,
    change,
    base,
    verdict: result.verdict,
    log10P: round(result.log10P, 4),
    zResidual: round(z("residual") ?? null),
    zNeurons: round(z("neurons") ?? null),
    r: round(body?.r ?? null, 2),
    retention: round(body?.retention ?? null, 2),
    relations: result.relations,
    expected,
    ok,
  };
}

function table(rows) {
  const head = ["suspect", "change", "against", "verdict", "log10 p", "z residual", "z neurons", "r", "L", "relations"];
  const lines = [[...head, "expected", "ok"], Array.from({ length: head.length + 2 }, () => "---")];
  for (const x of rows) {
    const cells = [x.name, x.change, x.base, x.verdict, x.log10P, x.zResidual, x.zNeurons, x.r, x.retention];
    lines.push([...cells, x.relations.join(", "), x.expected, x.ok ? "yes" : "NO"].map((cell) => cell ?? "-"));
  }
  const wrong = rows.filter((row) => !row.ok).length;
  const text = lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  return `${text}\n${rows.length} pairs, ${wrong} wrong\n`;
}
