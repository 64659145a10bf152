import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { corpusOf } from "./corpus.mjs";
import { NO_INPUT } from "./outcome.mjs";
import { Random } from "./random.mjs";
import { Runner } from "./runner.mjs";
import { shrunk } from "./shrink.mjs";
import { Tally } from "./tally.mjs";

const BATCH = 100;
/** Inputs of one target that are run again alone; every one of them may take as long as the limit allows. */
const MAX_SUSPECTS = 20;
/** Finds of one kind that are made smaller: more of them say nothing new. */
const MAX_KEPT = 3;

/** What an input may take, see `Runner`; one of less than `smallBytes` may not make the process larger by `growBytes`. */
export const LIMITS = { limitMs: 10_000, heapMb: 512, growBytes: 512 << 20, smallBytes: 1 << 20 };

/**
 * Runs inputs of targets over some processes: first those of a corpus, then those that the seed makes. What takes too long or too
 * much memory is run again alone at the end, for a busy machine may be why.
 *
 * @param options.module URL of what exports `loadTarget(name)`
 * @param options.shares from the names of targets to how many inputs each is given
 * @param options.corpus directory of the corpus, or null for none
 * @returns a tally per target
 */
export async function campaign({ module, shares, seed, corpus = null, workers = 1, limits = LIMITS, onProgress }) {
  const { loadTarget } = await import(module);
  const scratch = mkdtempSync(join(tmpdir(), "weightmark-fuzz-"));
  const tallies = new Map([...shares.keys()].map((name) => [name, new Tally()]));
  const batches = [...(corpus === null ? [] : kept(shares.keys(), corpus)), ...batchesOf(shares, seed)];
  const suspects = [];

  const grewTooMuch = ({ grown, size }) => grown > limits.growBytes && size < limits.smallBytes;
  const isSuspect = (outcome) => outcome.kind === "suspect" || outcome.ms > limits.limitMs || grewTooMuch(outcome);
  const inputOf = async ({ target, bytes }, index) =>
    bytes ?? (await loadTarget(target)).make(new Random(`${seed}/${target}/${index}`));

  function take(batch, outcome) {
    const told = { ...outcome, target: batch.target, file: batch.file, input: () => inputOf(batch, outcome.index) };
    tallies.get(batch.target).count(told);
    if (isSuspect(told)) suspects.push(told);
    else if (told.kind === "find") tallies.get(batch.target).found(told);
  }

  async function serve() {
    const runner = new Runner(module, limits, scratch);
    try {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
        const one = batch;
        await runner.run(one, (outcome) => take(one, outcome));
        onProgress?.(tallies);
      }
    } finally {
      await runner.stop();
    }
  }

  /** What is still to be said against a suspect once it has run alone, or null. */
  async function verdictOn(suspect, runner) {
    const again = await runner.alone(suspect.target, await suspect.input());
    const mebibytes = (again.grown / 2 ** 20).toFixed();
    if (again.kind === "suspect" || again.kind === "find") return { code: again.code, message: again.message };
    if (again.ms > limits.limitMs) return { code: "slow", message: `${again.ms.toFixed()} ms` };
    return grewTooMuch(again) ? { code: "memory", message: `${mebibytes} MiB for ${again.size} bytes` } : null;
  }

  const runner = new Runner(module, limits, scratch);
  try {
    await Promise.all(Array.from({ length: workers }, serve));
    for (const [name, tally] of tallies) {
      for (const suspect of suspects.filter(({ target }) => target === name).slice(0, MAX_SUSPECTS)) {
        const verdict = await verdictOn(suspect, runner);
        if (verdict !== null) tally.found({ ...suspect, ...verdict });
      }
      for (const find of tally.kinds().flatMap((kind) => kind.slice(0, MAX_KEPT))) {
        if (find.file !== undefined || find.code === NO_INPUT) continue;
        find.bytes = await find.input();
        if (find.code !== "hang" && find.code !== "slow") find.bytes = await shrunk(runner, name, find);
      }
    }
  } finally {
    await runner.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
  return tallies;
}

/** The inputs of the corpus, each a batch of its own. */
function kept(names, corpus) {
  return [...names].flatMap((target) =>
    corpusOf(target, corpus).map(({ path, bytes }) => ({ target, bytes, file: path })),
  );
}

/** Batches in turn of all targets, so that a run that is broken off has tried each of them. */
function batchesOf(shares, seed) {
  const batches = [];
  for (let from = 0; ; from += BATCH) {
    const round = [...shares].filter(([, inputs]) => inputs > from);
    if (round.length === 0) return batches;
    for (const [target, inputs] of round) batches.push({ target, seed, from, count: Math.min(BATCH, inputs - from) });
  }
}
