import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serializeSafetensors, type TensorData } from "../../src/formats/safetensors/writer.ts";
import { randomWords } from "./random-fingerprint.ts";

export interface TinyTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Tensors of a model by name. */
export type TinyModel = ReadonlyMap<string, TinyTensor>;

const HIDDEN = 64;
const FFN = 160;
const VOCABULARY = 320;

/** Directions that stand out of the noise in every matrix: the retention test looks for what training leaves. */
const LEARNED_DIRECTIONS = 4;

/** A Llama of 2 layers: Gaussian weights from a seed, and a few strong directions in place of training. */
export function tinyModel(seed: number): TinyModel {
  const normal = normals(seed);
  const model = new Map<string, TinyTensor>();
  const add = (name: string, ...shape: number[]) => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < values.length; i++) values[i] = shape.length === 1 ? 1 + 0.1 * normal() : 0.05 * normal();
    if (shape.length === 2) addDirections(values, shape[0]!, shape[1]!, normal);
    model.set(name, { shape, values });
  };
  add("model.embed_tokens.weight", VOCABULARY, HIDDEN);
  for (const layer of [0, 1]) {
    const prefix = `model.layers.${layer}`;
    for (const name of ["q", "k", "v", "o"]) add(`${prefix}.self_attn.${name}_proj.weight`, HIDDEN, HIDDEN);
    add(`${prefix}.mlp.gate_proj.weight`, FFN, HIDDEN);
    add(`${prefix}.mlp.up_proj.weight`, FFN, HIDDEN);
    add(`${prefix}.mlp.down_proj.weight`, HIDDEN, FFN);
    add(`${prefix}.input_layernorm.weight`, HIDDEN);
    add(`${prefix}.post_attention_layernorm.weight`, HIDDEN);
  }
  add("model.norm.weight", HIDDEN);
  return model;
}

/** Adds outer products of random unit vectors, each four times as strong as the noise of the whole matrix. */
function addDirections(values: Float32Array, rows: number, cols: number, normal: () => number): void {
  const strength = 4 * 0.05 * (Math.sqrt(rows) + Math.sqrt(cols));
  for (let k = 0; k < LEARNED_DIRECTIONS; k++) {
    const u = Array.from({ length: rows }, () => normal() / Math.sqrt(rows));
    const v = Array.from({ length: cols }, () => normal() / Math.sqrt(cols));
    for (let i = 0; i < values.length; i++) values[i]! += strength * u[Math.floor(i / cols)]! * v[i % cols]!;
  }
}

/** The same model after a change of every weight by `size` of its spread: what a fine-tune leaves. */
export function changed(model: TinyModel, seed: number, size: number): TinyModel {
  const normal = normals(seed);
  return new Map(
    [...model].map(([name, { shape, values }]) => [
      name,
      { shape, values: values.map((x) => x + 0.05 * size * normal()) },
    ]),
  );
}

/** The same model under other tensor names. */
export function renamed(model: TinyModel, rename: (name: string) => string): TinyModel {
  return new Map([...model].map(([name, tensor]) => [rename(name), tensor]));
}

export function modelBytes(model: TinyModel, metadata?: ReadonlyMap<string, string>): Uint8Array {
  const tensors = [...model].map(([name, { shape, values }]): TensorData => {
    return { name, dtype: "F32", shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
  });
  return serializeSafetensors(tensors, metadata);
}

/** Writes a model as a directory; its path. */
export function writeModel(directory: string, model: TinyModel): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "model.safetensors"), modelBytes(model));
  return directory;
}

/** Standard normal numbers, by Box and Muller. */
function normals(seed: number): () => number {
  const next = randomWords(seed);
  return () => Math.sqrt(-2 * Math.log((next() + 1) / 2 ** 32)) * Math.cos((2 * Math.PI * next()) / 2 ** 32);
}
