import { createHash } from "node:crypto";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { type FullPassOptions, readContents } from "../fingerprint/full-pass.ts";
import { toHex } from "../fingerprint/hex.ts";

export const SALT_BYTES = 32;

/** A digest that says nothing of its content to those who have no salt: SHA-256 of purpose, zero byte, salt and content. */
export function saltedHash(purpose: string, salt: Uint8Array, content: Uint8Array): string {
  const domain = Buffer.from(`weightmark/commitment/${purpose}\0`, "utf8");
  return createHash("sha256").update(domain).update(salt).update(content).digest("hex");
}

/**
 * SHA-256 over a line for every tensor by name, a JSON list of name, type, shape and BLAKE3 of its bytes, each ended by a line
 * feed: the same for any sharding, order and metadata. Reads every byte once.
 */
export async function contentManifest(checkpoint: Checkpoint, options: FullPassOptions): Promise<Uint8Array> {
  const contents = await readContents(checkpoint, options);
  await checkpoint.verifyUnchanged();
  const hash = createHash("sha256");
  const tensors = [...checkpoint.tensors.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const { name, dtype, shape } of tensors) {
    hash.update(`${JSON.stringify([name, dtype, shape, contents.get(name)?.content ?? null])}\n`);
  }
  return new Uint8Array(hash.digest());
}

/**
 * What a base is known by: the digest of its contents, hex. The sampled root would leave the rest of it free, and whoever may
 * choose that afterwards can put the coins of any key into the difference of any suspect to it.
 */
export async function baseDigest(base: Checkpoint, options: FullPassOptions): Promise<string> {
  return toHex(await contentManifest(base, options));
}
