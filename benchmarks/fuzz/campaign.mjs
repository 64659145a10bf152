import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
 * Runs inputs of targets over some processes. What takes too long or too much memory is run again alone at the end, for a busy
 * machine may be why.
 *
 * @param options.module URL of what exports `loadTarget(name)`
 * @param options.shares from the names of targets to how many inputs each is given
 * @returns a tally per target
 */
export async function campaign({ module, shares, seed, workers = 1, limits = LIMITS, onProgress = () => {} }) {
  const { loadTarget } = await import(module);
  const scratch = mkdtempSync(join(tmpdir(), "weightmark-fuzz-"));
  const tallies = new Map([...shares.keys()].map((name) => [name, new Tally()]));
  const batches = batchesOf(shares, seed);
  const suspects = [];
  const grewTooMuch = ({ grown, size }) => grown > limits.growBytes && size < limits.smallBytes;

  async function serve() {
    const runner = new Runner(module, limits, scratch);
    try {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
        const { target } = batch;
        await runner.run(batch, (outcome) => {
          const isSuspect = outcome.kind === "suspect" || outcome.ms > limits.limitMs || grewTooMuch(outcome);
          tallies.get(target).count(outcome);
          if (isSuspect) suspects.push({ target, ...outcome });
          else if (outcome.kind === "find") tallies.get(target).found(outcome, inputs(target, outcome.index));
        });
        onProgress(tallies);
      }
    } finally {
      await runner.stop();
    }
  }
  const inputs = (target, index) => async () => {
    const made = await loadTarget(target);
    return made.make(new Random(`${seed}/${target}/${index}`));
  };

  const runner = new Runner(module, limits, scratch);
  try {
    await Promise.all(Array.from({ length: workers }, serve));
    for (const [name, tally] of tallies) {
      for (const suspect of suspects.filter(({ target }) => target === name).slice(0, MAX_SUSPECTS)) {
        const bytes = await inputs(name, suspect.index)();
        const again = await runner.alone(name, bytes);
        const isSlow = again.ms > limits.limitMs;
        if (again.kind === "suspect" || again.kind === "find") tally.found({ ...again, index: suspect.index }, async () => bytes);
        else if (isSlow) tally.found({ ...suspect, code: "slow", message: `${again.ms} ms` }, async () => bytes);
        else if (grewTooMuch(again)) {
          const message = `${(again.grown / 2 ** 20).toFixed()} MiB for ${again.size} bytes`;
          tally.found({ ...suspect, code: "memory", message }, async () => bytes);
        }
      }
      for (const kind of tally.kinds()) {
        for (const find of kind.slice(0, MAX_KEPT)) {
          find.bytes = await find.input();
          if (find.code !== "hang" && find.code !== "slow") find.bytes = await shrunk(runner, name, find);
        }
      }
    }
  } finally {
    await runner.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
  return tallies;
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
