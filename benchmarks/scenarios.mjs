/**
 * Published disputes, each on a stand-in of the same kind made in benchmarks/lab (groups examples, derivatives, scenarios, zoo):
 *
 *   node benchmarks/scenarios.mjs OUT
 *
 * Prints a Markdown table of what came out at depth deep. Exit code 1 where a word accuses the wrong one; where a true
 * derivative is missed the table says so.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compare, fingerprint, openCheckpoint } from "../dist/src/index.js";
import { memoryCheckpoint } from "./calibration/memory-checkpoint.mjs";
import { DISGUISES } from "./deep/disguises.mjs";
import { noise } from "./robustness/drift.mjs";
import { openView } from "./robustness/model-view.mjs";
import { int4 } from "./robustness/quantise.mjs";

const [out] = process.argv.slice(2);
if (out === undefined) throw new Error("name the folder that the lab wrote to");
const base = (name) => join(out, "examples", name);
const allSymmetries = DISGUISES.at(-1)[1];
const disguised = (view) => int4(noise(0.03)(allSymmetries(77)(view)));
const IN_GROUPS = ["derivatives", "scenarios", "examples"];

const lora = [8, 16, 32, 64].flatMap((rank) =>
  ["", "-int4"].flatMap((kind) => [
    row(
      "S1",
      `LoRA of rank ${rank}, renamed, extended${kind.replace("-", ", ")}`,
      `lora-r${rank}-renamed${kind}`,
      "base-a",
      "derived",
    ),
    row("S1", "the same", `lora-r${rank}-renamed${kind}`, "base-b", "no-evidence"),
  ]),
);
const ROWS = [
  ...lora,
  row("S2", "another training, every tensor renamed", "stranger-renamed", "base-a", "no-evidence"),
  row("S4", `another training; norms: ${normCosine("base-a", "base-b")}`, "base-b", "base-a", "no-evidence"),
  row("S10", "layers 0 to 2 and 1 to 3 stacked", "layers-duplicated", "base-a", "derived"),
  row("S10", "the same, then tuned", "layers-duplicated-healed", "base-a", "derived"),
  row("S11", "stream 128 to 96, FFN 352 to 232", "width-pruned", "base-a", "derived"),
  row(
    "S11",
    "the same, then trained on for a quarter of the base's training",
    "width-pruned-healed",
    "base-a",
    "derived",
  ),
  row("S11", "the same, another base", "width-pruned-healed", "base-b", "no-evidence"),
  row("S22", "all symmetries, 3 % noise, int4", "base-a", "base-a", "derived", disguised),
  row("S22", "a fine-tune, then the same", "finetune", "base-a", "derived", disguised),
  row("S22", "a merged LoRA, then the same", "lora-r16", "base-a", "derived", disguised),
  row("S22", "the same, another base", "finetune", "base-b", "no-evidence", disguised),
  ...zooRows(),
];

console.log("| scenario | suspect | base | asked for | came out | log10 p | relations, what was moved | layers |");
console.log(`|${" --- |".repeat(8)}`);
let wrong = 0;
let missed = 0;
for (const { id, change, suspect, base: of, expected, edit } of ROWS) {
  const result = await judged(suspect, of, edit);
  const { verdict, deep, log10P, relations, layers, difference } = result;
  const isClaim = ["derived", "identical", "recast", "shared-init"].includes(verdict);
  if (expected === "no-evidence" ? isClaim : verdict !== expected && verdict !== "recast") {
    if (expected === "no-evidence") wrong++;
    else missed++;
  }
  const rank = difference.loraRank === undefined ? [] : [`rank ${difference.loraRank}`];
  const words = [...relations, ...rank, ...(deep?.moved ?? [])].join(", ") || "-";
  const basis = deep?.basis === "calibrated" ? `${verdict} (calibrated)` : verdict;
  const p = log10P === null ? "-" : log10P < -300 ? "< -300" : log10P.toFixed(1);
  const map = layers.map(({ base: layer }) => layer ?? "-").join(" ") || "-";
  console.log(`| ${[id, change, named(of), expected, basis, p, words, map].join(" | ")} |`);
}
console.log(`\n${ROWS.length} pairs, ${wrong} wrong, ${missed} of true ones not as asked for`);
process.exitCode = wrong > 0 ? 1 : 0;

function row(id, change, suspect, base, expected, edit) {
  return { id, change, suspect: placeOf(suspect), base: placeOf(base), expected, edit };
}

function placeOf(name) {
  const found = IN_GROUPS.map((group) => join(out, group, name)).find((place) => existsSync(place));
  if (found === undefined) throw new Error(`${name} is in none of ${IN_GROUPS.join(", ")}: run the lab`);
  return found;
}

/** Fused layouts: fine-tunes of families that lay q, k and v together, and the same against another base of their kind. */
function zooRows() {
  const zoo = join(out, "zoo");
  return JSON.parse(readFileSync(join(zoo, "manifest.json"), "utf8"))
    .filter(({ change }) => change === "normal")
    .flatMap(({ kind, path, base: of }) => {
      const place = { id: "S23", change: `${kind}, fine-tuned`, suspect: join(zoo, path) };
      return [
        { ...place, base: join(zoo, of), expected: "derived" },
        { ...place, base: join(zoo, kind, "07"), expected: "no-evidence" },
      ];
    });
}

function named(place) {
  return place.slice(out.length).replace(/^\/?(?:examples\/)?/, "");
}

async function judged(suspect, of, edit) {
  const known = await subject(await openCheckpoint(of), "base");
  const asked = await subject(edit === undefined ? await openCheckpoint(suspect) : inMemory(suspect, edit), "suspect");
  const result = await compare(asked, known, { monteCarlo: false, deep: true });
  await known.checkpoint.close();
  await asked.checkpoint.close();
  return result;
}

async function subject(checkpoint, name) {
  return { checkpoint, fingerprint: await fingerprint(checkpoint), name, root: false };
}

function inMemory(path, edit) {
  const view = openView(path);
  const changed = edit(view);
  const list = [...changed.tensors.values()].map((tensor) => [tensor.name, tensor.shape, tensor.read()]);
  view.close();
  return { ...memoryCheckpoint(list), config: changed.config };
}

function normCosine(first, second) {
  const script = fileURLToPath(new URL("norm-cosine.mjs", import.meta.url));
  const { stdout } = spawnSync(process.execPath, [script, base(first), base(second)], { encoding: "utf8" });
  return stdout.trim();
}
