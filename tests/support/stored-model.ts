import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { memorySource } from "../../src/bytes/memory-source.ts";
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import { openCheckpoint } from "../../src/checkpoint/open-checkpoint.ts";
import { fingerprintCheckpoint } from "../../src/fingerprint/extract.ts";
import { parseFingerprint, serializeFingerprint } from "../../src/fingerprint/file.ts";
import type { Fingerprint } from "../../src/fingerprint/fingerprint.ts";
import { readSafetensorsHeader } from "../../src/formats/safetensors/header.ts";
import { type CompareOptions, compareSubjects } from "../../src/lineage/compare.ts";
import type { CompareResult } from "../../src/lineage/result.ts";
import type { Subject } from "../../src/lineage/subject.ts";
import type { Model, ModelTensor } from "./random-model.ts";
import { toBf16, toF16 } from "./rounding.ts";

/** Stored bytes of a tensor, rounded to its type. */
export function bytesOf({ values, dtype }: ModelTensor): Uint8Array {
  switch (dtype) {
    case "F32":
      return new Uint8Array(values.slice().buffer);
    case "F64":
      return new Uint8Array(Float64Array.from(values).buffer);
    case "BF16":
      return rounded(values, toBf16);
    case "F16":
      return rounded(values, toF16);
  }
}

/** A loop: `Uint16Array.from` takes many times as long, and models are stored in most tests. */
function rounded(values: Float32Array, round: (value: number) => number): Uint8Array {
  const words = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) words[i] = round(values[i]!);
  return new Uint8Array(words.buffer);
}

/** A safetensors file with the tensors in the order of the map, as any writer but ours might leave it. */
export function fileOf(model: Model, metadata?: Readonly<Record<string, string>>): Uint8Array {
  const parts: Uint8Array[] = [];
  const header: [string, unknown][] = metadata === undefined ? [] : [["__metadata__", metadata]];
  let end = 0;
  for (const [name, tensor] of model) {
    const data = bytesOf(tensor);
    header.push([name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [end, end + data.length] }]);
    parts.push(data);
    end += data.length;
  }
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)), "utf8");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return new Uint8Array(Buffer.concat([length, text, ...parts]));
}

/** A model in memory as an open checkpoint; several models are the shards of one. */
export async function checkpointOf(
  shards: Model | readonly Model[],
  options: { config?: Checkpoint["config"]; metadata?: Readonly<Record<string, string>> } = {},
): Promise<Checkpoint> {
  const list = Array.isArray(shards) ? (shards as readonly Model[]) : [shards as Model];
  return filesCheckpoint(
    list.map((shard) => fileOf(shard, options.metadata)),
    options.config,
  );
}

/** Safetensors files in memory as an open checkpoint. */
export async function filesCheckpoint(
  shards: readonly Uint8Array[],
  config: Checkpoint["config"] = null,
): Promise<Checkpoint> {
  const files = [];
  const tensors = new Map();
  for (const bytes of shards) {
    const source = memorySource(bytes);
    for (const info of (await readSafetensorsHeader(source)).tensors.values()) {
      tensors.set(info.name, { ...info, file: files.length });
    }
    files.push({ path: `${files.length}.safetensors`, absolutePath: null, source });
  }
  return {
    location: "memory",
    container: "safetensors",
    files,
    tensors,
    config,
    notes: [],
    async verifyUnchanged() {},
    async close() {},
  };
}

/** Writes a model as a directory and opens it: what worker threads need. */
export async function savedCheckpoint(model: Model, directory: string): Promise<Checkpoint> {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "model.safetensors"), fileOf(model));
  return openCheckpoint(directory);
}

/** One side of a comparison; the fingerprint has gone through its file. */
export async function subjectOf(
  model: Model | readonly Model[] | Checkpoint,
  options: { name?: string; root?: boolean; weights?: boolean } = {},
): Promise<Subject> {
  const checkpoint = "tensors" in model ? (model as Checkpoint) : await checkpointOf(model as Model);
  const fingerprint = await throughFile(await fingerprintCheckpoint(checkpoint));
  return {
    name: options.name ?? "model",
    fingerprint,
    checkpoint: (options.weights ?? true) ? checkpoint : null,
    root: options.root ?? false,
  };
}

export async function throughFile(fingerprint: Fingerprint): Promise<Fingerprint> {
  return parseFingerprint(serializeFingerprint(fingerprint), "memory");
}

/** Verdict on a suspect against a base. Monte-Carlo relabelings only where a test asks for them: they decide nothing. */
export async function judge(
  suspect: Model | readonly Model[] | Subject,
  base: Model | Subject,
  options: CompareOptions = { monteCarlo: false },
): Promise<CompareResult> {
  const side = async (x: Model | readonly Model[] | Subject, name: string): Promise<Subject> =>
    "fingerprint" in x ? x : subjectOf(x, { name });
  return compareSubjects(await side(suspect, "suspect"), await side(base, "base"), options);
}
