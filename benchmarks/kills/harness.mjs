import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAKER = fileURLToPath(new URL("../make-model.mjs", import.meta.url));

/** How far beyond the undisturbed end kills come, as a part of the time to it. */
const BEYOND = 1.05;

/** Numbers in [0, 1) from a seed. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A moment of a run that takes `ms` milliseconds undisturbed: from its start to just behind its end. */
export const momentIn = (ms, random) => random() * ms * BEYOND;

/** Relative paths and digests of all files below a directory, as text; "" when it is not there. */
export function digestsOf(directory) {
  if (!existsSync(directory)) return "";
  const paths = readdirSync(directory, { recursive: true }).filter((path) => statSync(join(directory, path)).isFile());
  return JSON.stringify(paths.sort().map((path) => [path, digestOf(readFileSync(join(directory, path)))]));
}

export const digestOf = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Writes a synthetic Llama in one file. */
export function makeModel(directory, seed, { layers = 2, width = 128, vocabulary = 1000, shards = 1 } = {}) {
  const size = { layers, width, ffn: 2 * width, heads: Math.max(1, Math.round(width / 128)), vocabulary, shards, seed };
  const flags = Object.entries(size).flatMap(([name, value]) => [`--${name}`, String(value)]);
  execFileSync(process.execPath, [MAKER, directory, ...flags], { stdio: "ignore" });
}

/** The first place where two texts differ, and what stands there: for complaints. */
export function difference(found, wanted) {
  let at = 0;
  while (at < found.length && found[at] === wanted[at]) at += 1;
  const around = (text) => JSON.stringify(text.slice(Math.max(0, at - 60), at + 120));
  return `${around(found)} in place of ${around(wanted)}`;
}
