import { WeightmarkError } from "../../errors.ts";
import type { Part } from "../../lineage/part.ts";
import { NO_PARTS, partListOf } from "../parts.ts";

/** Parts as a row holds them: nothing for none, else JSON in UTF-8. A component may hold U+0000, which text cannot. */
export function encodeParts(parts: readonly Part[]): Buffer {
  return Buffer.from(parts.length === 0 ? "" : JSON.stringify(parts));
}

/** @throws REGISTRY_CORRUPT: to go on without them would let a direction be claimed. */
export function decodeParts(stored: Buffer): readonly Part[] {
  if (stored.length === 0) return NO_PARTS;
  const parts = partListOf(parsed(stored.toString("utf8")));
  if (parts !== null) return parts;
  throw new WeightmarkError("REGISTRY_CORRUPT", "a row of the registry holds no list of parts", {
    file: "weightmark.registry_entry",
    detail: "Restore the table from a copy, or the registry from an export.",
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
