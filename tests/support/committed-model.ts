import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OpenedCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { openCheckpoint } from "../../src/checkpoint/open-checkpoint.ts";
import { type CommitOptions, type Committed, commitRelease } from "../../src/commitment/commit.ts";
import { layeredKey } from "../../src/watermark/key/layered-key.ts";
import { parsePayload } from "../../src/watermark/message/payload.ts";
import { embedAt, storeModel } from "./keyed-model.ts";
import { gaussianLlama } from "./spread-model.ts";

const CONFIG = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 4,
};

export const KEY = layeredKey(Buffer.alloc(32, 5), "acme-7b");
export const PAYLOAD = parsePayload("00c0ffee");
export const LAYERS = 8;

export interface CommittedModel {
  readonly unmarked: string;
  readonly marked: string;
  readonly sketch: string;
  readonly other: string;
}

/** A model of eight layers, its marked copy with a sketch, and another model of the same shape. */
export async function committedModel(directory: string): Promise<CommittedModel> {
  const unmarked = storeModel(join(directory, "unmarked"), gaussianLlama(1, { layers: LAYERS, hidden: 256 }), {
    "config.json": CONFIG,
  });
  const other = storeModel(join(directory, "other"), gaussianLlama(2, { layers: LAYERS, hidden: 256 }), {
    "config.json": CONFIG,
  });
  const marked = join(directory, "marked");
  await embedAt(unmarked, marked, { key: KEY, payload: PAYLOAD, rho: 0.02 });
  return { unmarked, marked, other, sketch: `${marked}.sketch` };
}

export async function withModel<T>(path: string, work: (model: OpenedCheckpoint) => Promise<T>): Promise<T> {
  const model = await openCheckpoint(path);
  try {
    return await work(model);
  } finally {
    await model.close();
  }
}

/** Commits to the marked copy with its unmarked model and its sketch. */
export function committed(models: CommittedModel, more: Partial<CommitOptions> = {}): Promise<Committed> {
  return withModel(models.marked, (marked) =>
    withModel(models.unmarked, (unmarked) =>
      commitRelease(marked, { key: KEY, unmarked, sketch: models.sketch, threads: 0, toolVersion: "0", ...more }),
    ),
  );
}

export function writeJson(path: string, value: unknown): string {
  writeFileSync(path, JSON.stringify(value));
  return path;
}
