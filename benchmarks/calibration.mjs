/**
 * The whole decision on pairs of independent models: what it says when there is nothing to find.
 *
 *   node benchmarks/calibration.mjs [--trained DIRECTORY ...] [--models 104] [--kinds 32] [--only TEXT] [--seed 1] [--quick]
 *
 * --trained: a directory of checkpoints trained from different seeds (benchmarks/lab makes some); all their pairs. What is
 *            called NAME-tuned is a derivative of NAME, and stands for the related pairs.
 * --models:  how many language models of each family are drawn, 0 for none; all pairs within a family.
 * --kinds:   how many models of every other kind are drawn, 0 for none; all pairs within a kind, and some across kinds.
 * --only:    groups whose names contain this.
 * --quick:   a few models of each, for a minute.
 *
 * Prints JSON. Exit code 1 when a pair was called related. Pairs share models, so they are not independent draws: the
 * number of models stands beside the number of pairs.
 */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { fingerprint as fingerprintCheckpoint, openCheckpoint } from "../dist/src/index.js";
import { CHANGES } from "./calibration/derive.mjs";
import { drawFamily, drawModel, FAMILIES } from "./calibration/drawn-model.mjs";
import { KINDS } from "./calibration/kinds.mjs";
import { memoryCheckpoint } from "./calibration/memory-checkpoint.mjs";
import { summariseFixedPoints, summariseZ } from "./calibration/null-summary.mjs";
import { checkAgainstLibrary, isStack, prepare, testPair } from "./calibration/pair-test.mjs";
import { drawOne, drawReference } from "./calibration/same-features.mjs";
import { decideAll, decideRelated } from "./calibration/whole-decision.mjs";
import { machine } from "./support/machine.mjs";
import { round } from "./support/statistics.mjs";

const { values } = parseArgs({
  options: {
    trained: { type: "string", multiple: true, default: [] },
    models: { type: "string" },
    kinds: { type: "string" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
    quick: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const models = Number(values.models ?? (values.quick ? 6 : 104));
const kinds = Number(values.kinds ?? (values.quick ? 5 : 32));
/** Models of each kind that are also changed, and compared with models of other kinds. */
const RELATED = values.quick ? 2 : 6;
const ACROSS = values.quick ? 1 : 2;

const started = performance.now();
const groups = [];
const across = [];
for (const directory of values.trained) {
  const { strangers, related } = await trainedModels(directory);
  groups.push(await measure(basename(directory), strangers, { related, source: "trained" }));
}
let number = 0;
for (const name of FAMILIES.keys()) {
  number++;
  if (models === 0 || !name.includes(values.only)) continue;
  const common = drawFamily(name, 1000 * seed + number);
  const strangers = await drawAll(models, (i) => drawModel(common, (1000 * seed + number) * 100_003 + i + 1));
  groups.push(await measure(name, strangers, { source: "drawn" }));
}
for (const [name, kind] of KINDS) {
  number++;
  if (kinds === 0 || !name.includes(values.only)) continue;
  const groupSeed = 1000 * seed + number;
  const variants = (kind.variants ?? [kind]).map((one) => [one, drawReference(one, groupSeed)]);
  const draw = (i) => drawOne(...variants[i % variants.length], groupSeed * 100_003 + i + 1, i);
  const strangers = await drawAll(kinds, draw);
  const related = await relatives(strangers, draw, groupSeed);
  across.push(strangers.slice(0, ACROSS));
  groups.push(await measure(name, strangers, { related, kind, source: "kind" }));
}
if (across.length > 1) {
  const pairs = across.flatMap((own, i) =>
    across.slice(0, i).flatMap((other) => own.flatMap((a) => other.map((b) => [a, b]))),
  );
  groups.push({
    group: "across kinds",
    source: "across",
    models: across.flat().length,
    decided: await decideAll(pairs),
  });
  progress("across kinds", across.flat().length, pairs.length);
}
const report = summarise(groups);
process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
process.exitCode = report.falseWords + report.alarms === 0 ? 0 : 1;

async function trainedModels(directory) {
  const subjects = new Map();
  for (const name of readdirSync(directory).sort()) {
    if (name.endsWith(".tmp")) continue;
    const checkpoint = await openCheckpoint(join(directory, name));
    const fingerprint = await fingerprintCheckpoint(checkpoint);
    await checkpoint.close();
    subjects.set(name.replace(/\.safetensors$/, ""), subjectOf(name, fingerprint, subjects.size));
  }
  const tuned = [...subjects.keys()].filter((name) => name.endsWith("-tuned"));
  const pairs = tuned.map((name) => [subjects.get(name), subjects.get(name.replace(/-tuned$/, ""))]);
  for (const name of tuned) subjects.delete(name);
  return {
    strangers: distinct([...subjects.values()]),
    related: tuned.length > 0 ? new Map([["trained on", pairs]]) : new Map(),
  };
}

async function drawAll(count, draw) {
  const subjects = [];
  for (let i = 0; i < count; i++) subjects.push(await drawnSubject(`model ${i}`, draw(i), i));
  return distinct(subjects);
}

async function drawnSubject(name, tensors, i) {
  return subjectOf(name, await fingerprintCheckpoint(memoryCheckpoint(tensors)), i);
}

/** Every third one is registered as trained from scratch, so that a direction could be claimed. */
function subjectOf(name, fingerprint, i) {
  return { name, fingerprint, checkpoint: null, root: i % 3 === 0 };
}

/** The same weights twice are no independent pair. */
function distinct(subjects) {
  const roots = new Set();
  return subjects.filter(
    ({ fingerprint }) => !roots.has(fingerprint.roots.sampled) && roots.add(fingerprint.roots.sampled),
  );
}

async function relatives(bases, draw, groupSeed) {
  const related = new Map();
  for (const [change, apply] of CHANGES) {
    const pairs = [];
    for (let i = 0; i < Math.min(RELATED, bases.length); i++) {
      const tensors = apply(draw(Number(bases[i].name.slice("model ".length))), groupSeed + i);
      pairs.push([await drawnSubject(`${bases[i].name}, ${change}`, tensors, 1), bases[i]]);
    }
    related.set(change, pairs);
  }
  return related;
}

async function measure(group, strangers, { related = new Map(), kind, source }) {
  const pairs = strangers.flatMap((a, i) => strangers.slice(0, i).map((b) => [a, b]));
  const decided = await decideAll(pairs, kind);
  const found = { group, source, models: strangers.length, decided, related: await decideRelated(related) };
  progress(group, strangers.length, pairs.length, decided);
  if (source === "kind" || strangers.length < 2 || !isStack(strangers[0].fingerprint)) return found;
  const prepared = strangers.map(({ fingerprint }) => prepare(fingerprint));
  checkAgainstLibrary(prepared[0], prepared[1]);
  return { ...found, tests: prepared.flatMap((a, i) => prepared.slice(0, i).map((b) => testPair(a, b))) };
}

function progress(group, count, pairs, { falseWords = 0 } = {}) {
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stderr.write(`${group}: ${count} models, ${pairs} pairs, ${falseWords} false words, ${seconds} s\n`);
}

function summarise(groups) {
  const rows = groups.map(({ tests, ...group }) => ({ ...group, tests: tests === undefined ? null : describe(tests) }));
  const tested = groups.flatMap(({ tests = [] }) => tests);
  const drawn = groups.filter(({ source }) => source === "drawn").flatMap(({ tests = [] }) => tests);
  const sum = (of) => groups.reduce((n, g) => n + of(g), 0);
  const pairs = sum((g) => g.decided.pairs);
  const falseWords = sum((g) => g.decided.falseWords);
  return {
    machine: machine(),
    seed,
    pairs,
    models: sum((g) => (g.source === "across" ? 0 : g.models)),
    falseWords,
    falseWordRateBelow: falseWords === 0 ? round(3 / pairs) : null,
    alarms: tested.filter(isAlarm).length,
    groups: rows,
    drawn: drawn.length === 0 ? null : describe(drawn),
    seconds: Math.round((performance.now() - started) / 1000),
  };
}

/** What could bring a corrected p to 1e-9: T2 by itself, or a z whose normal tail is already there. */
function isAlarm({ residual, neurons, embeddings, fixedLog10P }) {
  return fixedLog10P <= -9 || Math.max(...[residual, neurons, embeddings].map(Math.abs)) >= 6.1;
}

function describe(tests) {
  return {
    pairs: tests.length,
    residual: summariseZ(tests.map((t) => t.residual)),
    neurons: summariseZ(tests.map((t) => t.neurons)),
    embeddings: summariseZ(tests.map((t) => t.embeddings)),
    fixedPoints: summariseFixedPoints(tests.map((t) => t.fixed)),
    smallestFixedPointLog10P: round(tests.reduce((least, t) => Math.min(least, t.fixedLog10P), 0)),
  };
}
