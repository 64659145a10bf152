import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Dtype } from "../../src/formats/tensor-info.ts";

/** A tensor as bytes, of any type. */
export interface RawTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface RawShard {
  readonly tensors: readonly RawTensor[];
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Spaces behind the header. @default 0 */
  readonly padding?: number;
}

/** A safetensors file with the tensors in the given order, as writers other than ours leave it. */
export function rawFile({ tensors, metadata, padding = 0 }: RawShard): Uint8Array {
  const fields: string[] = metadata === undefined ? [] : [`"__metadata__": ${JSON.stringify(metadata)}`];
  let end = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    const entry = { shape, data_offsets: [end, end + bytes.length], dtype };
    fields.push(`${JSON.stringify(name)} :${JSON.stringify(entry)}`);
    end += bytes.length;
  }
  const header = Buffer.from(`{${fields.join(" ,")}}${" ".repeat(padding)}`, "utf8");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return new Uint8Array(Buffer.concat([length, header, ...tensors.map(({ bytes }) => bytes)]));
}

/** Writes a model of one or several shards with its index and a config; the names of the weight files. */
export function writeRawModel(directory: string, shards: readonly RawShard[]): string[] {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "config.json"), '{"model_type": "odd"}');
  if (shards.length === 1) {
    writeFileSync(join(directory, "model.safetensors"), rawFile(shards[0]!));
    return ["model.safetensors"];
  }
  const names = shards.map((_, i) => `model-${i + 1}-of-${shards.length}.safetensors`);
  const map = shards.flatMap(({ tensors }, i) => tensors.map(({ name }) => [name, names[i]!] as const));
  writeFileSync(
    join(directory, "model.safetensors.index.json"),
    `{"metadata": {}, "weight_map": {${map.map(([a, b]) => `${JSON.stringify(a)}: "${b}"`).join(", ")}}}`,
  );
  for (const [i, shard] of shards.entries()) writeFileSync(join(directory, names[i]!), rawFile(shard));
  return names;
}

/** Every regular file below a directory: relative path and bytes, in order of path. */
export function filesBelow(directory: string): Map<string, Buffer> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
  return new Map(paths.sort().map((path) => [path, readFileSync(join(directory, path))]));
}

/** SHA-256 of every regular file below a directory, by path: comparing buffers element by element is slow. */
export function digestsBelow(directory: string): Map<string, string> {
  return new Map(
    [...filesBelow(directory)].map(([path, bytes]) => [path, createHash("sha256").update(bytes).digest("hex")]),
  );
}

export function writeBeside(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}
