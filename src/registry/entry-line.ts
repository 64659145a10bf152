import type { RegistryEntry } from "./registry.ts";

/** What of an entry the digest of a registry is made of: a line, in the order of the entries' digests. */
export function entryLine({ digest, name, root }: Pick<RegistryEntry, "digest" | "name" | "root">): string {
  return `${JSON.stringify([digest, name, root])}\n`;
}
