#!/usr/bin/env node
/**
 * Files that PyTorch and NumPy write, read here and held against what they were made of: node tests/interop/arrays.mjs
 * [--drawn 400]. Every tensor must be there under its name, and equal to the bit; what is refused or left out must be told.
 * PYTHON names an interpreter that has torch and numpy already.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openCheckpoint } from "../../dist/src/checkpoint/open-checkpoint.js";
import { venv } from "./venv.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values } = parseArgs({ options: { drawn: { type: "string", default: "400" } } });
const sha1 = (bytes) => createHash("sha1").update(bytes).digest("hex");

/** What differs between a file as it was read and what it was made of. */
async function differences(path, { tensors, notes, code }) {
  let model;
  try {
    model = await openCheckpoint(path);
  } catch (error) {
    return error.code === code ? [] : [`${error.code}: ${error.message}`];
  }
  try {
    if (code !== undefined) return [`read, not refused with ${code}`];
    const wrong = notes
      .filter((note) => !model.notes.some((one) => one.includes(note)))
      .map((note) => `no note on ${note}`);
    for (const name of model.tensors.keys())
      if (!Object.hasOwn(tensors, name)) wrong.push(`${name} should not be there`);
    for (const [name, expected] of Object.entries(tensors)) {
      const found = model.tensors.get(name);
      if (found === undefined) {
        wrong.push(`${name} is missing`);
        continue;
      }
      const bytes = await model.files[found.file].source.read(found.begin, found.end);
      const digest = found.dtype === expected.dtype ? expected.raw : expected.f32;
      const isTyped = found.dtype === expected.dtype || found.dtype === "F32";
      if (!isTyped || sha1(bytes) !== digest) wrong.push(`${name} (${found.dtype}, ${expected.dtype}) differs`);
      if (found.shape.join() !== expected.shape.join())
        wrong.push(`${name} has shape ${found.shape}, not ${expected.shape}`);
    }
    return wrong;
  } finally {
    await model.close();
  }
}

/** Whether all files are read as they were written. */
export async function arraysInterop(drawn) {
  const interpreter = process.env.PYTHON ?? venv("interop-torch-venv", "requirements-torch.txt");
  const directory = mkdtempSync(join(tmpdir(), "weightmark-arrays-"));
  try {
    execFileSync(interpreter, [join(here, "arrays.py"), directory, String(drawn)], { stdio: "inherit" });
    const cases = JSON.parse(readFileSync(join(directory, "cases.json"), "utf8"));
    let bad = 0;
    let count = 0;
    for (const one of cases) {
      const wrong = await differences(join(directory, one.file), one);
      count += Object.keys(one.tensors ?? {}).length;
      if (wrong.length > 0) bad += 1;
      for (const line of wrong.slice(0, 5)) console.error(`${one.file}: ${line}`);
    }
    console.log(
      `arrays: ${cases.length - bad} of ${cases.length} files of PyTorch and NumPy as they were written, ${count} tensors`,
    );
    return bad === 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !(await arraysInterop(Number(values.drawn))))
  process.exitCode = 1;
