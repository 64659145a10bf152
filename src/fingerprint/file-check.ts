import { Blake3 } from "../kernels/blake3.ts";
import { toHex } from "./hex.ts";

/**
 * Metadata key of the check of a file of ours. Files of releases before it have none, and are read without.
 */
export const CHECK = "check";
const CHECK_BYTES = 16;

/**
 * BLAKE3 over what a file of ours says: its manifest, and its parts in a fixed order. Signs and numbers that a bad disk or cable
 * changed would else be believed, for every bit of them is a possible one. No seal: anyone who alters a file can make it anew.
 */
export function checkOf(manifest: string, parts: readonly Uint8Array[]): string {
  const hash = new Blake3();
  hash.update(new TextEncoder().encode(manifest));
  for (const part of parts) hash.update(part);
  return toHex(hash.digest().subarray(0, CHECK_BYTES));
}

/** Whether a file says something else than was written; false where nothing tells. */
export function isDamaged(
  metadata: ReadonlyMap<string, string>,
  manifest: string,
  parts: readonly Uint8Array[],
): boolean {
  const check = metadata.get(CHECK);
  return check !== undefined && check !== checkOf(manifest, parts);
}
