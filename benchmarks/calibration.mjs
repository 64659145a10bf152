/**
 * The tests on pairs of independent models: what they say when there is nothing to find.
 *
 *   node benchmarks/calibration.mjs [--trained DIRECTORY] [--models 104] [--compare 500] [--seed 1]
 *
 * --trained: a directory of checkpoints trained from different seeds (benchmarks/lab makes one); all their pairs.
 * --models:  how many models of each family are drawn, or 0 for none; all pairs within a family.
 * --compare: how many random pairs of each group also go through the whole comparison.
 *
 * Prints JSON. Exit code 1 when a pair was called related. Pairs share models, so they are not independent draws: the
 * number of models stands beside the number of pairs.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { compare as compareSubjects, fingerprint as fingerprintCheckpoint, openCheckpoint } from "../dist/src/index.js";
import { drawFamily, drawModel, FAMILIES } from "./calibration/drawn-model.mjs";
import { summariseFixedPoints, summariseZ } from "./calibration/null-summary.mjs";
import { checkAgainstLibrary, prepare, testPair } from "./calibration/pair-test.mjs";
import { machine } from "./support/machine.mjs";
import { xorshift } from "./support/random.mjs";
import { round } from "./support/statistics.mjs";

const { values } = parseArgs({
  options: {
    trained: { type: "string" },
    models: { type: "string", default: "104" },
    compare: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
  },
});
const seed = Number(values.seed);

const started = performance.now();
const groups = [];
if (values.trained !== undefined) groups.push(await measure("trained", trainedModels(values.trained)));
let family = 0;
for (const name of Number(values.models) > 0 ? FAMILIES.keys() : []) {
  family++;
  groups.push(await measure(name, drawnModels(name, Number(values.models), 1000 * seed + family)));
}
const report = summarise(groups);
process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
process.exitCode = report.related === 0 ? 0 : 1;

async function* trainedModels(directory) {
  for (const name of readdirSync(directory).sort()) {
    const checkpoint = await openCheckpoint(join(directory, name));
    yield await fingerprintCheckpoint(checkpoint);
    await checkpoint.close();
  }
}

async function* drawnModels(name, count, familySeed) {
  const common = drawFamily(name, familySeed);
  for (let i = 0; i < count; i++) yield await fingerprintCheckpoint(drawModel(common, familySeed * 100_003 + i + 1));
}

async function measure(group, models) {
  const fingerprints = [];
  const roots = new Set();
  for await (const fingerprint of models) {
    // The same weights twice are no independent pair.
    if (roots.has(fingerprint.roots.sampled)) continue;
    roots.add(fingerprint.roots.sampled);
    fingerprints.push(fingerprint);
  }
  const prepared = fingerprints.map(prepare);
  checkAgainstLibrary(prepared[0], prepared[1]);
  const tests = [];
  for (let i = 0; i < prepared.length; i++) {
    for (let j = 0; j < i; j++) tests.push(testPair(prepared[i], prepared[j]));
  }
  const compared = await compareSome(fingerprints, Math.min(Number(values.compare), tests.length));
  process.stderr.write(
    `${group}: ${fingerprints.length} models, ${tests.length} pairs, ${Math.round((performance.now() - started) / 1000)} s\n`,
  );
  return { group, models: fingerprints.length, tests, compared };
}

/** Whole comparisons of random pairs, none twice. */
async function compareSome(fingerprints, count) {
  const random = xorshift(seed + 77);
  const seen = new Set();
  const verdicts = new Map();
  const swaps = new Map([
    ["residual", []],
    ["neurons", []],
  ]);
  let smallest = 0;
  while (seen.size < count) {
    const i = random() % fingerprints.length;
    const j = random() % fingerprints.length;
    if (i === j || seen.has(`${Math.min(i, j)}/${Math.max(i, j)}`)) continue;
    seen.add(`${Math.min(i, j)}/${Math.max(i, j)}`);
    const subject = (k) => ({ name: `model ${k}`, fingerprint: fingerprints[k], checkpoint: null, root: false });
    const { verdict, log10P, tests } = await compareSubjects(subject(i), subject(j), { monteCarlo: false });
    for (const test of tests) if (test.name === "T1-swap") swaps.get(test.axis).push(test.z);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    smallest = Math.min(smallest, log10P ?? 0);
  }
  return {
    pairs: seen.size,
    verdicts: Object.fromEntries(verdicts),
    smallestLog10P: round(smallest),
    swapResidual: summariseZ(swaps.get("residual")),
    swapNeurons: summariseZ(swaps.get("neurons")),
  };
}

function summarise(groups) {
  const rows = groups.map(({ group, models, tests, compared }) => ({ group, models, ...describe(tests), compared }));
  const drawn = groups.filter(({ group }) => group !== "trained").flatMap(({ tests }) => tests);
  const pairs = groups.reduce((n, g) => n + g.tests.length, 0);
  const silent = (g) => (g.compared.verdicts["no-evidence"] ?? 0) + (g.compared.verdicts["not-testable"] ?? 0);
  const related = groups.reduce((n, g) => n + g.compared.pairs - silent(g), 0);
  const alarms = groups.reduce((n, g) => n + g.tests.filter(isAlarm).length, 0);
  return {
    machine: machine(),
    seed,
    pairs,
    models: groups.reduce((n, g) => n + g.models, 0),
    alarms,
    falsePositiveRateBelow: alarms === 0 ? round(3 / pairs) : null,
    compared: groups.reduce((n, g) => n + g.compared.pairs, 0),
    related: related + alarms,
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
