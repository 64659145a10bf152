import { join } from "node:path";
import { WeightmarkError } from "../errors.ts";

export function corrupt(directory: string, why: string): WeightmarkError {
  return new WeightmarkError("REGISTRY_CORRUPT", `the registry's journal ${why}`, {
    file: join(directory, "journal.jsonl"),
    detail: "Restore the registry from a copy or an export; its fingerprint files are untouched.",
  });
}

export function rolledBack(directory: string, expected: number, found: number): WeightmarkError {
  return new WeightmarkError(
    "REGISTRY_ROLLED_BACK",
    `the registry was at generation ${expected} and is now at ${found}: an older state was put back`,
    {
      file: join(directory, "journal.jsonl"),
      detail: "Restore the whole directory, head.json included, from one copy.",
    },
  );
}
