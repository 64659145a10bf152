/**
 * The sibling curve: what compare says to two trainings of one initialisation, and to derivatives, by how long the base
 * was trained.
 *
 *   node benchmarks/siblings.mjs MANIFEST [--json]
 *
 * MANIFEST is siblings/manifest.json of benchmarks/lab; one that is still growing will do. Prints Markdown tables, or
 * every pair as JSON. A sibling that is called derived (or recast, or identical) is wrong anywhere. A derivative that is
 * not is lost where its base was trained for 320 steps or more: what was hardly learned, nobody can recognise.
 *
 * Exit code 1 when a sibling was wrong.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { compare, fingerprint, openCheckpoint } from "../dist/src/index.js";
import { RELATED, TRAINED_STEPS } from "./siblings/outcome.mjs";
import { report } from "./siblings/report.mjs";

const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" } } });
if (positionals.length !== 1) throw new Error("name the manifest");
const folder = dirname(positionals[0]);

const rows = [];
let set = null;
let subjects = new Map();
for (const pair of JSON.parse(readFileSync(positionals[0], "utf8"))) {
  // The manifest has one set after the other: the models of one are all that is held.
  if (set !== `${pair.size}-${pair.seed}`) await closeAll();
  set = `${pair.size}-${pair.seed}`;
  const suspect = await subjectOf(pair.suspect, false);
  const base = await subjectOf(pair.base, true);
  rows.push(judge(pair, await compare(suspect, base)));
}
await closeAll();
process.stdout.write(values.json ? `${JSON.stringify(rows, null, 1)}\n` : report(rows));
process.exitCode = rows.some(({ outcome }) => outcome === "wrong") ? 1 : 0;

async function subjectOf(path, root) {
  let subject = subjects.get(path);
  if (!subject) {
    const checkpoint = await openCheckpoint(join(folder, path));
    subject = { checkpoint, fingerprint: await fingerprint(checkpoint) };
    subjects.set(path, subject);
  }
  return { ...subject, name: path, root };
}

async function closeAll() {
  for (const { checkpoint } of subjects.values()) await checkpoint.close();
  subjects = new Map();
}

function judge(pair, result) {
  const body = result.components.find(({ component }) => component !== "embeddings") ?? result.components[0];
  const { component, log10P: _, ...rest } = body ?? {};
  const strengths = Object.entries(rest).filter(([, value]) => typeof value === "number");
  const related = RELATED.has(result.verdict);
  let outcome = "right";
  if (pair.expected === "sibling" && related) outcome = "wrong";
  if (pair.expected === "derivative" && !related) outcome = pair.baseSteps >= TRAINED_STEPS ? "lost" : "unseen";
  return {
    ...pair,
    verdict: result.verdict,
    log10P: result.log10P,
    component: component ?? null,
    ...Object.fromEntries(strengths),
    learned: body?.learned ?? null,
    relations: result.relations,
    strengths: strengths.map(([name]) => name),
    outcome,
  };
}
