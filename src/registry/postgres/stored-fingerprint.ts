import { WeightmarkError } from "../../errors.ts";
import { digestOf } from "../digest.ts";
import type { Database } from "./connect.ts";
import { readFingerprint } from "./registry-rows.ts";

/**
 * The stored bytes of a registered fingerprint.
 *
 * @throws REGISTRY_ENTRY_MISSING, REGISTRY_ENTRY_POISONED
 */
export async function readStored(database: Database, digest: string, name: string): Promise<Uint8Array> {
  const bytes = await readFingerprint(database, digest);
  if (bytes === null) {
    throw new WeightmarkError("REGISTRY_ENTRY_MISSING", "a registered fingerprint is gone", {
      file: `${database.location}#${digest}`,
      detail: `Register ${name} again, or remove it.`,
    });
  }
  if (digestOf(bytes) !== digest) {
    throw new WeightmarkError("REGISTRY_ENTRY_POISONED", "a registered fingerprint is not what was registered", {
      file: `${database.location}#${digest}`,
      detail: `Its row has changed since; register ${name} again from its weights, or remove it.`,
    });
  }
  return bytes;
}
