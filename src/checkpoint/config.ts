import { join } from "node:path";
import { openFileSource } from "../bytes/file-source.ts";
import { WeightmarkError } from "../errors.ts";
import type { TensorInfo } from "../formats/tensor-info.ts";
import { type Root, resolveInside } from "./inside-root.ts";
import { MAX_CONFIG_BYTES } from "./limits.ts";

export interface Config {
  /** The object, without a prototype so that no key can be mistaken for a method; null when there is none. */
  readonly config: Readonly<Record<string, unknown>> | null;
  readonly notes: readonly string[];
}

/** Fields that name a dimension which some tensor of any architecture with that field has. */
const DIMENSIONS = ["hidden_size", "n_embd", "d_model", "vocab_size"];

/** Reads config.json. Whatever is wrong with it becomes a note: it explains a model and decides nothing. */
export async function readConfig(root: Root): Promise<Config> {
  try {
    const source = await openFileSource(await resolveInside(root, "config.json"), join(root.path, "config.json"));
    try {
      if (source.size > MAX_CONFIG_BYTES) return { config: null, notes: [`config.json ignored: ${source.size} bytes`] };
      const text = new TextDecoder("utf-8", { fatal: true }).decode(await source.read(0, source.size));
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null && !Array.isArray(value)) {
        return { config: Object.assign(Object.create(null), value), notes: [] };
      }
      return { config: null, notes: ["config.json ignored: it is no JSON object"] };
    } finally {
      await source.close();
    }
  } catch (error) {
    if (error instanceof WeightmarkError && error.code === "FILE_NOT_FOUND") return { config: null, notes: [] };
    // JSON.parse quotes the text it fails on, which is no message of ours to pass on.
    const reason = error instanceof WeightmarkError ? error.message : "it is not valid JSON";
    return { config: null, notes: [`config.json ignored: ${reason}`] };
  }
}

/** Notes on what the config says of the shapes and the shapes do not show. */
export function contradictions(
  config: Readonly<Record<string, unknown>> | null,
  tensors: Iterable<Pick<TensorInfo, "shape">>,
): string[] {
  if (config === null) return [];
  const sizes = new Set<number>();
  for (const { shape } of tensors) for (const size of shape) sizes.add(size);
  const notes: string[] = [];
  for (const field of DIMENSIONS) {
    const value = config[field];
    if (typeof value === "number" && !sizes.has(value)) {
      notes.push(`config.json says ${field} ${value}, but no tensor has a dimension of that size`);
    }
  }
  return notes;
}
