import { readFileSync } from "node:fs";
import { join } from "node:path";
import { prng } from "../../src/numerics/prng.ts";
import type { Model, ModelTensor } from "./random-model.ts";

const random = prng("noise of decoys");

/** The tensors of a directory's only file, all of them BF16. */
export function readModel(directory: string): Model {
  const file = readFileSync(join(directory, "model.safetensors"));
  const start = 8 + Number(file.readBigUInt64LE());
  const model = new Map<string, ModelTensor>();
  const header = JSON.parse(file.toString("utf8", 8, start)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  for (const [name, { shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const bytes = Uint8Array.from(file.subarray(start + data_offsets[0], start + data_offsets[1]));
    const words = new Uint16Array(bytes.buffer);
    const bits = new Uint32Array(words.length);
    for (let i = 0; i < bits.length; i++) bits[i] = words[i]! << 16;
    model.set(name, { shape, dtype: "BF16", values: new Float32Array(bits.buffer) });
  }
  return model;
}

/** A prime number of them, so that rows of tensors do not repeat each other. */
const NOISE = Float32Array.from({ length: 65_537 }, () => 0.02 * random.normal());

/** A tensor of noise, BF16. */
export function noise(seed: string, ...shape: readonly number[]): ModelTensor {
  const from = prng(`noise ${seed}`).below(NOISE.length);
  const length = shape.reduce((a, b) => a * b, 1);
  const values = new Float32Array(length);
  for (let at = 0, start = from; at < length; start = 0) {
    const part = NOISE.subarray(start, start + length - at);
    values.set(part, at);
    at += part.length;
  }
  return { shape, dtype: "BF16", values };
}

/**
 * Tensors of noise beside those that `rename` gives another name, with a share of their rows: what no loader reads.
 */
export function decoysOf(model: Model, rename: (name: string) => string | null, share = 1): Model {
  const decoys = new Map<string, ModelTensor>();
  for (const [name, { shape }] of model) {
    const decoy = rename(name);
    if (decoy === null || decoy === name) continue;
    const [rows, ...rest] = shape as [number, ...number[]];
    decoys.set(decoy, noise(decoy, rest.length === 0 ? rows : Math.max(1, Math.floor(rows * share)), ...rest));
  }
  return decoys;
}

/** Every layer once more under another path. */
export function decoyStack(model: Model, path: string, share = 1): Model {
  return decoysOf(model, (name) => name.replace(/^model\.layers/, path), share);
}
