#!/usr/bin/env node
/**
 * Models of ONNX that its own libraries write, read here and held against what onnx, onnxruntime and torch say of them:
 * node tests/interop/onnx.mjs [--drawn 200]. PYTHON names an interpreter that has what requirements-torch.txt lists.
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
const { values } = parseArgs({ options: { drawn: { type: "string", default: "200" } } });
const sha1 = (bytes) => createHash("sha1").update(bytes).digest("hex");

/** What differs between a model as it was read and what its library says; `tensors` are by name, all others may be there. */
async function differences(path, { tensors, notes, absent }) {
  const model = await openCheckpoint(path);
  try {
    const wrong = notes
      .filter((note) => !model.notes.some((one) => one.includes(note)))
      .map((note) => `no note on ${note}`);
    for (const name of absent) if (model.tensors.has(name)) wrong.push(`${name} should not be there`);
    for (const [name, expected] of Object.entries(tensors)) {
      const found = model.tensors.get(name);
      if (found === undefined) {
        wrong.push(`${name} is missing`);
        continue;
      }
      const bytes = await model.files[found.file].source.read(found.begin, found.end);
      const told = [found.dtype, String(found.shape), found.inOut === true, sha1(bytes)];
      const wanted = [expected.dtype, String(expected.shape), expected.inOut, expected.sha1];
      if (JSON.stringify(told) !== JSON.stringify(wanted)) wrong.push(`${name}: ${told} instead of ${wanted}`);
      if (expected.scheme !== null && found.scheme?.includes(expected.scheme) !== true)
        wrong.push(`${name}: scheme ${found.scheme}`);
    }
    return wrong;
  } catch (error) {
    return [`${error.code}: ${error.message}`];
  } finally {
    await model.close();
  }
}

const interpreter = process.env.PYTHON ?? venv("interop-torch-venv", "requirements-torch.txt");
const directory = mkdtempSync(join(tmpdir(), "weightmark-onnx-"));
try {
  execFileSync(interpreter, [join(here, "onnx_models.py"), directory, values.drawn], { stdio: "inherit" });
  const cases = JSON.parse(readFileSync(join(directory, "cases.json"), "utf8"));
  let bad = 0;
  let count = 0;
  let renamed = 0;
  for (const one of cases) {
    const wrong = await differences(join(directory, one.file), one).catch((error) => [
      `${error.code}: ${error.message}`,
    ]);
    count += Object.keys(one.tensors).length;
    renamed += one.renamed;
    if (wrong.length > 0) bad += 1;
    for (const line of wrong.slice(0, 8)) console.error(`${one.file}: ${line}`);
  }
  console.log(
    `onnx: ${cases.length - bad} of ${cases.length} models as their libraries say, ${count} tensors, ${renamed} of them under names that the graph gave back`,
  );
  if (bad > 0) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true });
}
