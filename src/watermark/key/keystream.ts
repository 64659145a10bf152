import { createCipheriv, createHash } from "node:crypto";

/** A pseudo-random byte sequence that can be entered anywhere. */
export interface Keystream {
  /** Fills all of `target` with the bytes that start at `first`, a safe integer. */
  fill(target: Uint8Array, first: number): void;
}

const BLOCK = 16;
const NONCE_BYTES = 8;
const ZEROS = new Uint8Array(1 << 16);

/**
 * AES-256 in counter mode under `key` (32 bytes): the upper half of the counter block is SHA-256 of `address`, cut to 8
 * bytes; the lower half counts 16-byte blocks. Equal for any way of cutting the reads; reading on where the last read
 * ended is cheapest, since a new cipher costs as much as 30 kB.
 */
export function keystream(key: Uint8Array, address: string): Keystream {
  const nonce = nonceOf(address);
  let cipher: ReturnType<typeof createCipheriv> | null = null;
  let next = 0;

  function cipherAt(first: number): ReturnType<typeof createCipheriv> {
    const counter = Buffer.alloc(BLOCK);
    nonce.copy(counter);
    counter.writeBigUInt64BE(BigInt(Math.floor(first / BLOCK)), NONCE_BYTES);
    const opened = createCipheriv("aes-256-ctr", key, counter);
    const skip = first % BLOCK;
    if (skip > 0) opened.update(ZEROS.subarray(0, skip));
    return opened;
  }

  return {
    fill(target, first) {
      if (cipher === null || first !== next) cipher = cipherAt(first);
      for (let at = 0; at < target.length; at += ZEROS.length) {
        target.set(cipher.update(ZEROS.subarray(0, Math.min(ZEROS.length, target.length - at))), at);
      }
      next = first + target.length;
    },
  };
}

/** Two addresses of one nonce have the same bytes under every key: anyone who chooses names can search for such a pair. */
export function nonceOf(address: string): Buffer {
  return createHash("sha256").update(address, "utf8").digest().subarray(0, NONCE_BYTES);
}
