#!/usr/bin/env node
/**
 * A slice of the lab's zoo: models of two families that transformers trains here, under disguises that leave what they compute
 * alone: npm run test:interop:zoo. PyTorch is a download of some gigabytes, so this is apart from the other interop tests.
 *
 *   node tests/interop/zoo.mjs [--python INTERPRETER] [--out DIRECTORY]
 *
 * Without --python, a virtual environment is made below .cache; models are made in DIRECTORY, and kept there, where it is given.
 * Prints verdicts by pair and disguise. No stranger and no sibling may be called derived, nor a stranger anything, and light
 * fine-tunes have to be found under every disguise.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { venv } from "./venv.mjs";

const benchmarks = fileURLToPath(new URL("../../benchmarks", import.meta.url));

const { values } = parseArgs({ options: { python: { type: "string" }, out: { type: "string" } } });
const python = values.python ?? venv("interop-torch-venv", "requirements-torch.txt");
const out = values.out === undefined ? mkdtempSync(join(tmpdir(), "weightmark-zoo-")) : resolve(values.out);
try {
  execFileSync(python, ["-m", "lab", out, "--only", "zoo-slice"], { cwd: benchmarks, stdio: "inherit" });
  const json = join(out, "zoo-slice", "rows.json");
  const manifest = join(out, "zoo-slice", "manifest.json");
  const { status } = spawnSync(process.execPath, ["deep.mjs", "--zoo", manifest, "--json", json], {
    cwd: benchmarks,
    stdio: "inherit",
  });
  const derivatives = JSON.parse(readFileSync(json, "utf8")).filter(({ truth }) => truth === "derivative");
  const lost = derivatives.filter(({ verdict }) => verdict !== "derived");
  for (const { change, disguise, verdict } of lost) console.log(`not found: ${change}, ${disguise}: ${verdict}`);
  if (status !== 0 || derivatives.length === 0 || lost.length > 0) process.exitCode = 1;
} finally {
  if (values.out === undefined) rmSync(out, { recursive: true, force: true });
}
