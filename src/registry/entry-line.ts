import type { RegistryEntry } from "./registry.ts";

/**
 * What of an entry the digest of a registry is made of: a line, in the order of the entries' digests. Parts decide about
 * directions, so they count; without any the line is that of the releases before them.
 */
export function entryLine({ digest, name, root, parts }: EntryIdentity): string {
  if (parts === undefined || parts.length === 0) return `${JSON.stringify([digest, name, root])}\n`;
  return `${JSON.stringify([digest, name, root, parts.map(({ component, of }) => [component, of])])}\n`;
}

export interface EntryIdentity extends Pick<RegistryEntry, "digest" | "name" | "root"> {
  readonly parts?: RegistryEntry["parts"] | undefined;
}
