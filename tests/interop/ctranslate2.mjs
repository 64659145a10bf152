#!/usr/bin/env node
/**
 * What the converters of CTranslate2 write, read here and held against the models that they were given: node
 * tests/interop/ctranslate2.mjs. Every tensor has to stand under the name that Hugging Face gives it, with its values as far as the
 * quantisation leaves them. PYTHON names an interpreter that has ctranslate2, torch and transformers already.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCheckpoint } from "../../dist/src/checkpoint/open-checkpoint.js";
import { decodeToF32 } from "../../dist/src/kernels/decode.js";
import { venv } from "./venv.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
/** Largest difference, of the largest value of a tensor. */
const TOLERANCE = { float32: 0, float16: 1e-3, bfloat16: 8e-3, int16: 2e-3, int8: 5e-3, int8_float16: 5e-3 };
/** What the converters leave out: positions that are computed, and of Marian the row that stands for padding. */
const OWN = /embed_positions|^final_logits_bias$/;

async function values(model, name) {
  const { file, begin, end, dtype, shape } = model.tensors.get(name);
  return { shape, of: decodeToF32(await model.files[file].source.read(begin, end), dtype) };
}

async function differences(directory, name, quantisation) {
  const base = await openCheckpoint(join(directory, name));
  const converted = await openCheckpoint(join(directory, `${name}-${quantisation}`));
  const wrong = [];
  let compared = 0;
  try {
    if (converted.container !== "ctranslate2") wrong.push(`read as ${converted.container}`);
    for (const key of converted.tensors.keys()) {
      if (!base.tensors.has(key)) {
        const { of } = await values(converted, key);
        // Fused projections give a bias of zeros to the one that has none, and a head that is tied is written again.
        const isKnown = OWN.test(key) || /k_proj\.bias$/.test(key) || key === "proj_out.weight";
        if (!isKnown || (key.endsWith("k_proj.bias") && of.some((value) => value !== 0)))
          wrong.push(`${key} is not in the model`);
        continue;
      }
      const [a, b] = [await values(base, key), await values(converted, key)];
      if (a.shape.slice(1).join() !== b.shape.slice(1).join())
        wrong.push(`${key} has shape ${b.shape}, not ${a.shape}`);
      const most = a.of.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      const off = b.of.reduce((max, value, i) => Math.max(max, Math.abs(value - a.of[i])), 0);
      if (!(off <= TOLERANCE[quantisation] * most)) wrong.push(`${key} is off by ${off} of ${most}`);
      compared += 1;
    }
    for (const key of base.tensors.keys())
      if (!converted.tensors.has(key) && !OWN.test(key)) wrong.push(`${key} is missing`);
  } finally {
    await base.close();
    await converted.close();
  }
  return { wrong, compared };
}

const interpreter = process.env.PYTHON ?? venv("interop-ctranslate2-venv", "requirements-ctranslate2.txt");
const directory = mkdtempSync(join(tmpdir(), "weightmark-ctranslate2-"));
try {
  execFileSync(interpreter, [join(here, "ctranslate2_models.py"), directory], {
    stdio: ["ignore", "inherit", "ignore"],
  });
  let count = 0;
  let bad = 0;
  for (const name of ["marian", "whisper", "llama"]) {
    for (const quantisation of Object.keys(TOLERANCE)) {
      const { wrong, compared } = await differences(directory, name, quantisation);
      count += compared;
      if (wrong.length > 0) bad += 1;
      for (const line of wrong.slice(0, 5)) console.error(`${name} ${quantisation}: ${line}`);
    }
  }
  console.log(`${count} tensors of 18 converted models compared, ${bad} models differ`);
  process.exitCode = bad === 0 && count > 0 ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
