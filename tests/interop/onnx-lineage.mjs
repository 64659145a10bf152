#!/usr/bin/env node
/**
 * The examples as models of ONNX, held against their safetensors: the verdict on a model and its export, on strangers, and the mark
 * of a marked copy that was exported: node tests/interop/onnx-lineage.mjs. PYTHON names an interpreter that has what
 * requirements-torch.txt lists.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { venv } from "./venv.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..", "..");
const interpreter = process.env.PYTHON ?? venv("interop-torch-venv", "requirements-torch.txt");
const directory = mkdtempSync(join(tmpdir(), "weightmark-onnx-"));
const FORMS = ["plain", "external", "half", "int8", "nbits-8", "nbits-4"];

function weightmark(...args) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, "bin", "weightmark.js"), ...args], {
    encoding: "utf8",
  });
  if (status > 1) throw new Error(stderr);
  return JSON.parse(stdout);
}

function exported(model, name) {
  execFileSync(interpreter, [join(here, "onnx_lineage.py"), model, join(directory, name)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return (form) => join(directory, name, form);
}

let bad = 0;
function show(what, isRight) {
  console.log(`${isRight ? "ok " : "BAD"} ${what}`);
  if (!isRight) bad += 1;
}

try {
  const [a, b] = ["base-a", "base-b"].map((name) => join(root, "examples", "models", name));
  const ofA = exported(a, "a");
  for (const form of FORMS) {
    const { verdict, log10P } = weightmark("compare", ofA(form), a, "--json");
    const isFound = /^(?:identical|recast|derived)$/.test(verdict) && log10P <= -20;
    show(`base-a as ${form}: ${verdict}, p = 10^${Math.round(log10P)}`, isFound);
    const stranger = weightmark("compare", ofA(form), b, "--json");
    show(`base-b and base-a as ${form}: ${stranger.verdict}`, stranger.verdict === "no-evidence");
  }
  const marked = join(directory, "marked");
  const key = join(directory, "demo.key");
  writeFileSync(key, readFileSync(join(root, "examples", "demo.key")), { mode: 0o600 });
  weightmark("watermark", "embed", b, "-o", marked, "--key", key, "--payload", "acme-001", "--unpublished", "--json");
  const ofMarked = exported(marked, "m");
  for (const form of FORMS) {
    const { present, payload, log2P } = weightmark("watermark", "verify", ofMarked(form), "--key", key, "--json");
    show(
      `marked copy as ${form}: ${payload?.text}, p = 2^${Math.round(log2P)}`,
      present && payload?.text === "acme-001",
    );
    const clean = weightmark("watermark", "verify", ofA(form), "--key", key, "--json");
    show(`base-a as ${form}, which has no mark: p = 2^${Math.round(clean.log2P)}`, !clean.present);
  }
} finally {
  rmSync(directory, { recursive: true });
}
if (bad > 0) process.exitCode = 1;
