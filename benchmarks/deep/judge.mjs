import { compare, fingerprint, openCheckpoint } from "../../dist/src/index.js";
import { memoryCheckpoint } from "../calibration/memory-checkpoint.mjs";
import { openView } from "../robustness/model-view.mjs";
import { unchanged } from "./pairs.mjs";

/**
 * One row for each pair and disguise.
 *
 * @param stored whether all that is known of either model is its fingerprint with a deep part
 */
export async function judgeAll(pairs, stored = false) {
  const rows = [];
  const bases = new Map();
  const suspects = new Map();
  for (const [number, pair] of pairs.entries()) {
    if (process.stderr.isTTY) process.stderr.write(`\r${number} of ${pairs.length} pairs`);
    const base = await baseOf(bases, pair.base, stored);
    if (stored && pair.edit === unchanged) {
      for (const [disguise, move] of pair.disguises) {
        const suspect = await storedSuspect(suspects, pair.suspect, disguise, move);
        rows.push(rowOf(pair, disguise, await compare(suspect, base, { monteCarlo: false, deep: true })));
      }
      continue;
    }
    const view = openView(pair.suspect);
    try {
      const changed = pair.edit(view);
      for (const [disguise, move] of pair.disguises) {
        const suspect = await disguised(move(101 + number)(changed), stored);
        rows.push(rowOf(pair, disguise, await compare(suspect, base, { monteCarlo: false, deep: true })));
      }
    } finally {
      view.close();
    }
  }
  for (const { checkpoint } of bases.values()) await checkpoint?.close();
  return rows;
}

/** Few are held at a time: pairs come base by base, or in a triangle of small models. */
const MAX_HELD = 128;

async function baseOf(held, path, stored) {
  let found = held.get(path);
  if (found === undefined) {
    if (held.size >= MAX_HELD) {
      for (const { checkpoint } of held.values()) await checkpoint?.close();
      held.clear();
    }
    const checkpoint = await openCheckpoint(path);
    found = await subjectOf(checkpoint, "base", stored);
    if (stored) await checkpoint.close();
    held.set(path, found);
  }
  return found;
}

/** Of the models that stay as they are, the disguises of one are kept while its pairs follow each other. */
async function storedSuspect(held, path, disguise, move) {
  const key = `${path} ${disguise}`;
  let found = held.get(key);
  if (found === undefined) {
    if (![...held.keys()].some((other) => other.startsWith(`${path} `))) held.clear();
    const view = openView(path);
    found = await disguised(move(101)(view), true);
    view.close();
    held.set(key, found);
  }
  return found;
}

async function disguised(view, stored) {
  const list = [...view.tensors.values()].map((tensor) => [tensor.name, tensor.shape, tensor.read()]);
  return subjectOf({ ...memoryCheckpoint(list), config: view.config }, "suspect", stored);
}

async function subjectOf(checkpoint, name, stored) {
  const depth = stored ? "deep" : "sampled";
  return {
    checkpoint: stored ? null : checkpoint,
    fingerprint: await fingerprint(checkpoint, { depth }),
    name,
    root: false,
  };
}

export function rowOf({ truth, change }, disguise, { verdict, log10P, deep, direction, tests }) {
  const isClaim = verdict === "derived" || verdict === "identical" || verdict === "recast";
  const isWrong = (truth !== "derivative" && isClaim) || (truth === "stranger" && verdict === "shared-init");
  const basis = deep === undefined ? "plain" : (deep.basis ?? "silent");
  const nulls = tests
    .filter(({ seenFrom }) => seenFrom !== undefined)
    .map(({ name, axis, seenFrom, z, log10P: p }) => ({
      test: `${name}, ${axis} seen from ${seenFrom}`,
      z,
      log10P: p,
    }));
  const strength = deep?.strength ?? null;
  return { truth, change, disguise, verdict, basis, log10P, direction, strength, nulls, isWrong };
}
