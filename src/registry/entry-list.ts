import { toHex } from "../fingerprint/hex.ts";
import { Blake3 } from "../kernels/blake3.ts";
import { entryLine } from "./entry-line.ts";
import type { RegistryEntry } from "./registry.ts";

/** Entries hashed at a time. */
const BATCH = 4096;

export function byDigest(entries: ReadonlyMap<string, RegistryEntry>): RegistryEntry[] {
  // Without a comparison of its own, sort goes by UTF-16 code units, and three times as fast.
  return [...entries.keys()].sort().map((digest) => entries.get(digest)!);
}

/**
 * BLAKE3 (hex) of what decides about candidates: digest, name, root flag and parts of every entry, in the order of the digests.
 */
export function digestOfEntries(sorted: readonly RegistryEntry[]): string {
  const hash = new Blake3();
  for (let first = 0; first < sorted.length; first += BATCH) {
    const lines = sorted.slice(first, first + BATCH).map(entryLine);
    hash.update(Buffer.from(lines.join("")));
  }
  return toHex(hash.digest());
}
