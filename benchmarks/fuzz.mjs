/**
 * Inputs that nobody would write, for everything that reads what others wrote: every one must be accepted or refused by a
 * stable code, in bounded time and memory, and what must hold of what is accepted holds.
 *
 *   node benchmarks/fuzz.mjs [--inputs 20000] [--seed 1] [--target NAME]... [--corpus DIR] [--workers 2] [--json FILE]
 *
 * The same seed makes the same inputs. The inputs of --corpus (default: tests/fixtures/fuzz, which the tests replay) are run
 * first, and finds are kept in it. Prints a table; exit code 1 when anything was found.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { campaign } from "./fuzz/campaign.mjs";
import { CORPUS, keep } from "./fuzz/corpus.mjs";
import { findLines, reportOf, tableOf } from "./fuzz/summary.mjs";
import { loadTarget, sharesOf, TARGETS } from "./fuzz/targets.mjs";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    target: { type: "string", multiple: true, default: [...TARGETS.keys()] },
    corpus: { type: "string", default: CORPUS },
    workers: { type: "string", default: String(Math.min(4, availableParallelism())) },
    json: { type: "string" },
  },
});
const { seed, corpus, target: names } = values;
const [inputs, workers] = [Number(values.inputs), Number(values.workers)];
if (![inputs, workers].every((count) => Number.isSafeInteger(count) && count > 0))
  throw new Error("--inputs and --workers are counts");
for (const name of names) await loadTarget(name);

const known = new Set();
const begun = performance.now();
let told = begun;
const shares = sharesOf(names, inputs);
const tallies = await campaign({
  module: new URL("fuzz/targets.mjs", import.meta.url).href,
  shares,
  seed,
  workers,
  corpus,
  onProgress(so) {
    if (performance.now() - told < 10_000) return;
    told = performance.now();
    const done = [...so.values()].reduce((sum, tally) => sum + tally.inputs, 0);
    process.stderr.write(`${done} inputs in ${((told - begun) / 1000).toFixed()} s\n`);
    // At once, so that a run that is broken off has not found for nothing.
    for (const line of newKinds(so)) process.stderr.write(line);
  },
});
const seconds = (performance.now() - begun) / 1000;
for (const [name, tally] of tallies) {
  const kept = tally
    .kinds()
    .flatMap((kind) => kind.filter(({ bytes, file }) => bytes !== undefined && file === undefined));
  for (const find of kept) {
    find.file = keep(await loadTarget(name), find, seed, corpus);
  }
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify(reportOf(tallies, { seed, seconds }), null, 2)}\n`);
process.stdout.write(`${tableOf(tallies)}\nseed ${seed}, ${seconds.toFixed(1)} s\n${findLines(tallies)}`);
process.exitCode = [...tallies.values()].some(({ finds }) => finds > 0) ? 1 : 0;

/** A line for each kind of find that none was written for. */
function newKinds(so) {
  const lines = [...so].flatMap(([name, tally]) =>
    tally
      .kinds()
      .map(([{ code, message, index }]) => [
        `${name} ${code} ${message}`,
        `${name}, input ${index}: ${code}: ${message}\n`,
      ]),
  );
  return lines.filter(([kind]) => !known.has(kind) && known.add(kind)).map(([, line]) => line);
}
