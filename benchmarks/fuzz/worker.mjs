/**
 * Runs inputs one after the other, in a process of its own: told a batch, it says of every input what became of it, before it
 * begins the next. What hangs, dies or eats memory here is noticed by the one who started it.
 *
 *   node --max-old-space-size=N worker.mjs MODULE, with a channel to its parent
 */
import { setImmediate as turn } from "node:timers/promises";
import { NO_INPUT, outcomeOf } from "./outcome.mjs";
import { Random } from "./random.mjs";

const { loadTarget } = await import(process.argv[2]);

process.on("message", async (batch) => {
  const target = await loadTarget(batch.target);
  process.send({ loaded: true });
  for (let index = batch.from; index < batch.from + batch.count; index++) {
    const made = batch.bytes ?? (await inputOf(target, batch.seed, index).catch((error) => error));
    process.send({ index, ...(made instanceof Error ? unmade(made) : await measured(target, made)) });
  }
  process.send({ done: true });
});

process.on("disconnect", () => process.exit());
process.send({ ready: true });

/** The input that a seed gives a target: the same, no matter who asks and whatever went before. */
async function inputOf(target, seed, index) {
  return target.make(new Random(`${seed}/${target.name}/${index}`));
}

/** A target that makes no input is a fault of the target. */
function unmade(error) {
  return { kind: "find", code: NO_INPUT, message: String(error.stack), ms: 0, size: 0, grown: 0 };
}

/** What became of an input, how long it took, and by how much it drove up the memory of the process, in bytes. */
async function measured(target, bytes) {
  const highest = process.resourceUsage().maxRSS;
  const held = process.memoryUsage.rss();
  const begun = performance.now();
  const outcome = await outcomeOf(target, bytes);
  // What is rejected and nobody waits for ends the process before the next input is begun.
  await turn();
  const ms = performance.now() - begun;
  const peak = process.resourceUsage().maxRSS;
  // Below the highest mark so far nothing is seen, and nothing can have grown by more than it.
  return { ...outcome, ms, size: bytes.length, grown: peak > highest ? Math.max(0, peak * 1024 - held) : 0 };
}
