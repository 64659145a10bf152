import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint } from "../../src/checkpoint/open-checkpoint.ts";
import { embedWatermark } from "../../src/watermark/embed.ts";
import type { EmbedOptions } from "../../src/watermark/embed-options.ts";
import type { EmbedResult, VerifyResult } from "../../src/watermark/result.ts";
import { type VerifyOptions, verifyWatermark } from "../../src/watermark/verify.ts";
import type { Model } from "./random-model.ts";
import { testKey } from "./spread-model.ts";
import { fileOf } from "./stored-model.ts";

/** Writes a model of one file as a directory; its path. */
export function storeModel(directory: string, model: Model, beside: Readonly<Record<string, unknown>> = {}): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "model.safetensors"), fileOf(model));
  for (const [name, value] of Object.entries(beside)) writeFileSync(join(directory, name), JSON.stringify(value));
  return directory;
}

/** Marks the model in a directory with `testKey(1)`, on this thread. */
export async function embedAt(
  path: string,
  directory: string,
  options: Partial<EmbedOptions> = {},
): Promise<EmbedResult> {
  const checkpoint = await openCheckpoint(path);
  try {
    return await embedWatermark(checkpoint, { key: testKey(1), directory, threads: 0, publicBases: null, ...options });
  } finally {
    await checkpoint.close();
  }
}

/** Verifies the model in a directory against `testKey(1)`, on this thread. */
export async function verifyAt(path: string, options: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
  const checkpoint = await openCheckpoint(path);
  try {
    return await verifyWatermark(checkpoint, { key: testKey(1), threads: 0, ...options });
  } finally {
    await checkpoint.close();
  }
}
