import { parsePythonJson } from "../formats/python-json.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** Longer than any name or path of a model. */
export const MAX_BASE_NAME = 512;

/** The base that the adapter_config.json beside an adapter names, or null. The one who wrote it may have lied. */
export async function adapterBase(checkpoint: Pick<Checkpoint, "readBeside">): Promise<string | null> {
  const bytes = await checkpoint.readBeside?.("adapter_config.json");
  if (!bytes) return null;
  const config = parsed(bytes);
  if (typeof config !== "object" || config === null || !Object.hasOwn(config, "base_model_name_or_path")) return null;
  const { base_model_name_or_path: base } = config as Record<string, unknown>;
  return typeof base === "string" && base !== "" && base.length <= MAX_BASE_NAME ? base : null;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return parsePythonJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}
