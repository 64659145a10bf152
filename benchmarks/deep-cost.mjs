/**
 * What deep parts and deep comparisons of two models cost, each in a process of its own.
 *
 *   node benchmarks/deep-cost.mjs MODEL MODEL
 *
 * Prints a Markdown table: processor time, wall time and memory at most, and what was read or written. The two must be strangers,
 * so that nothing ends early; of benchmarks/make-model.mjs with two seeds, say.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fingerprint, openCheckpoint } from "../dist/src/index.js";

const [a, b] = process.argv.slice(2);
if (b === undefined) throw new Error("name two models");
const program = fileURLToPath(new URL("../bin/weightmark.js", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "weightmark-cost-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
const file = (name) => join(work, `${name}.safetensors`);

console.log("| command | processor time | wall | memory | read or written |\n| --- | --- | --- | --- | --- |");
row(
  "fingerprint",
  () => run("fingerprint", a, "-o", file("plain")),
  () => megabytes(statSync(file("plain")).size),
);
row(
  "fingerprint --deep",
  () => run("fingerprint", a, "--deep", "-o", file("a")),
  () => {
    return `part of ${megabytes(statSync(file("a")).size - statSync(file("plain")).size)}`;
  },
);
run("fingerprint", b, "--deep", "-o", file("b"));
console.log(`| the same of the first neurons | - | - | - | ${megabytes(await readOfFew())} read for the part |`);
const compare = (...sides) => run("compare", ...sides, "--depth", "deep");
row("compare --depth deep, both models", () => compare(b, a));
row("the same, one a fingerprint", () => compare(b, file("a")));
row("the same, two fingerprints", () => compare(file("b"), file("a")));

function row(title, measured, note = () => "-") {
  const { seconds, processor, memory } = measured();
  console.log(`| ${title} | ${processor.toFixed(1)} s | ${seconds.toFixed(1)} s | ${memory} MB | ${note()} |`);
}

/** The program in a process that tells what it used. */
function run(...args) {
  const began = performance.now();
  const script = `process.argv.splice(1, 1, ${JSON.stringify(program)}); process.on("exit", () => { const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage(); process.stderr.write(JSON.stringify([userCPUTime + systemCPUTime, maxRSS]) + "\\n"); }); await import(${JSON.stringify(program)});`;
  const { stderr, status } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", script, "--", program, ...args, "--quiet"],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  const [micro, kilobytes] = JSON.parse(stderr.trim().split("\n").at(-1));
  return { seconds: (performance.now() - began) / 1000, processor: micro / 1e6, memory: Math.round(kilobytes / 1024) };
}

async function readOfFew() {
  const checkpoint = await openCheckpoint(a);
  const [plain, few] = [await fingerprint(checkpoint), await fingerprint(checkpoint, { depth: "deep", few: true })];
  await checkpoint.close();
  return few.bytesRead - plain.bytesRead;
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
