import { WeightmarkError } from "../errors.ts";
import { parsePythonJson } from "../formats/python-json.ts";
import type { TensorInfo } from "../formats/tensor-info.ts";
import { MAX_CONFIG_BYTES } from "./limits.ts";
import type { ModelFolder } from "./model-folder.ts";

export interface Config {
  /** The object, without a prototype so that no key can be mistaken for a method; null when there is none. */
  readonly config: Readonly<Record<string, unknown>> | null;
  /** Why there is none although a config.json is there, a clause; null when there is none, or nothing is wrong with it. */
  readonly problem: string | null;
  readonly notes: readonly string[];
}

/** Fields that name a dimension which some tensor of any architecture with that field has. */
const DIMENSIONS = ["hidden_size", "n_embd", "d_model", "vocab_size"];

/**
 * Reads config.json. Whatever is wrong with it becomes a note: it explains a model and decides nothing. A failure that
 * passes, of the network for one, is thrown: the same model must have the same notes tomorrow.
 */
export async function readConfig(folder: ModelFolder): Promise<Config> {
  let bytes: Uint8Array;
  try {
    const { source } = await folder.open("config.json");
    try {
      if (source.size > MAX_CONFIG_BYTES) return ignored(`${source.size} bytes`);
      bytes = await source.read(0, source.size);
    } finally {
      await source.close();
    }
  } catch (error) {
    if (!(error instanceof WeightmarkError) || error.kind === "passing") throw error;
    return error.code === "FILE_NOT_FOUND" ? { config: null, problem: null, notes: [] } : ignored(error.message);
  }
  let value: unknown;
  try {
    value = parsePythonJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    // A decoder's message is no clause of ours.
    return ignored(error instanceof SyntaxError ? error.message : "it is not UTF-8");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return ignored("it is no JSON object");
  return { config: Object.assign(Object.create(null), value), problem: null, notes: [] };
}

function ignored(why: string): Config {
  const problem = `config.json is there but cannot be used: ${why}`;
  return { config: null, problem, notes: [`config.json ignored: ${why}`] };
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
