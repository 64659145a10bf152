import { compare, fingerprint, openCheckpoint } from "../../dist/src/index.js";
import { memoryCheckpoint } from "../calibration/memory-checkpoint.mjs";
import { openView } from "../robustness/model-view.mjs";

/** One row for each pair and disguise. */
export async function judgeAll(pairs) {
  const rows = [];
  const bases = new Map();
  for (const [number, pair] of pairs.entries()) {
    if (process.stderr.isTTY) process.stderr.write(`\r${number} of ${pairs.length} pairs`);
    const base = await baseOf(bases, pair.base);
    const view = openView(pair.suspect);
    try {
      const changed = pair.edit(view);
      for (const [disguise, move] of pair.disguises) {
        const suspect = await disguised(move(101 + number)(changed));
        rows.push(rowOf(pair, disguise, await compare(suspect, base, { monteCarlo: false, deep: true })));
      }
    } finally {
      view.close();
    }
  }
  for (const { checkpoint } of bases.values()) await checkpoint.close();
  return rows;
}

/** Few are held at a time: pairs come base by base, or in a triangle of small models. */
const MAX_HELD = 128;

async function baseOf(held, path) {
  let found = held.get(path);
  if (found === undefined) {
    if (held.size >= MAX_HELD) {
      for (const { checkpoint } of held.values()) await checkpoint.close();
      held.clear();
    }
    const checkpoint = await openCheckpoint(path);
    found = { checkpoint, fingerprint: await fingerprint(checkpoint), name: "base", root: false };
    held.set(path, found);
  }
  return found;
}

async function disguised(view) {
  const list = [...view.tensors.values()].map((tensor) => [tensor.name, tensor.shape, tensor.read()]);
  const checkpoint = { ...memoryCheckpoint(list), config: view.config };
  return { checkpoint, fingerprint: await fingerprint(checkpoint), name: "suspect", root: false };
}

function rowOf({ truth, change }, disguise, { verdict, log10P, deep, direction, tests }) {
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
