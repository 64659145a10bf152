import { WeightmarkError } from "../errors.ts";
import type { RegistryEntry } from "./registry.ts";

/** What may be the beginning of a digest: shorter ones would soon be those of several entries. */
const DIGEST_PREFIX = /^[0-9a-f]{8,64}$/;

/**
 * The entry of a name, of a digest, or of the only digest that begins so.
 *
 * @param named the entry of that name, if any
 * @param all entries in any order
 * @throws REGISTRY_ENTRY_UNKNOWN
 */
export function findEntry(
  nameOrDigest: string,
  named: RegistryEntry | undefined,
  all: () => readonly RegistryEntry[],
): RegistryEntry {
  if (named !== undefined) return named;
  const matches = DIGEST_PREFIX.test(nameOrDigest) ? all().filter(({ digest }) => digest.startsWith(nameOrDigest)) : [];
  if (matches.length === 1) return matches[0]!;
  throw new WeightmarkError(
    "REGISTRY_ENTRY_UNKNOWN",
    matches.length > 1 ? "several entries have digests that begin so" : "no entry has this name or digest",
    { file: nameOrDigest, detail: "See `Registry.list`." },
  );
}
