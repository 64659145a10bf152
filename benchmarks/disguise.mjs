/**
 * Writes a copy of a Llama-style model that computes the same and hides where its weights were, as benchmarks/deep.mjs does.
 *
 *   node benchmarks/disguise.mjs MODEL DIRECTORY --how "stream rotated, neurons renumbered" [--seed 1]
 *
 * Values are rounded to bf16; config.json goes along, for the model is the same architecture.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { serializeSafetensors } from "../dist/src/formats/safetensors/writer.js";
import { DISGUISES } from "./deep/disguises.mjs";
import { openView } from "./robustness/model-view.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { how: { type: "string" }, seed: { type: "string", default: "1" } },
});
const move = DISGUISES.find(([name]) => name === values.how)?.[1];
if (positionals.length !== 2 || move === undefined) {
  throw new Error(`name a model, a directory and --how, one of: ${DISGUISES.map(([name]) => name).join("; ")}`);
}
const [model, directory] = positionals;
const view = openView(model);
const tensors = [...move(Number(values.seed))(view).tensors.values()].map((tensor) => ({
  name: tensor.name,
  dtype: "BF16",
  shape: tensor.shape,
  data: bf16(tensor.read()),
}));
view.close();
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, "model.safetensors"), serializeSafetensors(tensors, new Map()));
const config = join(model, "config.json");
if (existsSync(config)) await copyFile(config, join(directory, "config.json"));

/** Rounded to the nearest, ties to even. */
function bf16(values) {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = (words[i] + 0x7fff + ((words[i] >>> 16) & 1)) >>> 16;
  return new Uint8Array(out.buffer);
}
