import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** 24 GB that take no space on disk and seconds to read, in one tensor or in several. */
export function writeSparseModel(directory: string, tensors = 1): void {
  mkdirSync(directory);
  const size = 24 * 2 ** 30;
  const each = size / tensors;
  const entries = Array.from({ length: tensors }, (_, i) => [
    `layers.${i}.w`,
    { dtype: "F32", shape: [each / 4096, 1024], data_offsets: [i * each, (i + 1) * each] },
  ]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const padded = Buffer.concat([header, Buffer.alloc((8 - (header.length % 8)) % 8, " ")]);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(padded.length));
  const file = openSync(join(directory, "model.safetensors"), "w");
  writeSync(file, Buffer.concat([prefix, padded]));
  ftruncateSync(file, 8 + padded.length + size);
  closeSync(file);
}
