/**
 * What compare says to several trainings of one start, and to what was tuned from one of them, of small networks that are no
 * transformers.
 *
 *   node benchmarks/net-siblings.mjs MANIFEST [--json]
 *
 * MANIFEST is net-siblings/manifest.json of benchmarks/lab; one that is still growing will do. Prints a Markdown table, or
 * every pair as JSON. Exit code 1 when a sibling was called derived, recast or identical.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { compare, fingerprint, openCheckpoint } from "../dist/src/index.js";
import { RELATED } from "./siblings/outcome.mjs";

const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" } } });
if (positionals.length !== 1) throw new Error("name the manifest");
const folder = dirname(positionals[0]);

const rows = [];
const subjects = new Map();
for (const pair of JSON.parse(readFileSync(positionals[0], "utf8"))) {
  const result = await compare(await subjectOf(pair.suspect), await subjectOf(pair.base));
  rows.push({ ...pair, verdict: result.verdict, components: result.components });
}
const isWrong = ({ expected, verdict }) => expected === "sibling" && RELATED.has(verdict);
process.stdout.write(values.json ? `${JSON.stringify(rows, null, 1)}\n` : table(rows));
process.exitCode = rows.some(isWrong) ? 1 : 0;

async function subjectOf(path) {
  if (!subjects.has(path)) {
    const checkpoint = await openCheckpoint(join(folder, `${path}.safetensors`));
    subjects.set(path, { name: path, fingerprint: await fingerprint(checkpoint) });
    await checkpoint.close();
  }
  return subjects.get(path);
}

function table(rows) {
  const VERDICTS = ["derived", "shared-init", "no-evidence", "not-testable"];
  const count = (some, verdict) => some.filter((row) => row.verdict === verdict).length;
  const lines = [...new Set(rows.map(({ kind }) => kind))].map((kind) => {
    const some = rows.filter((row) => row.kind === kind);
    const counts = VERDICTS.map((verdict) => count(some, verdict));
    return `| ${some[0].expected} | ${kind} | ${some.length} | ${counts.join(" | ")} | ${some.filter(isWrong).length} |`;
  });
  return `| Expected | Kind | Pairs | ${VERDICTS.join(" | ")} | Wrong |
|---|---|---:|---:|---:|---:|---:|---:|
${lines.join("\n")}
`;
}
