import { blake3 } from "./blake3.ts";
import { loadKernels } from "./load-kernels.ts";

const CHUNK = 1024;
const BLOCK = 64;
const CHUNK_START = 1;
const CHUNK_END_ROOT = 2 | 8;
const DIGEST = 32;
/** Bytes copied into WebAssembly memory at a time. */
const STAGING = 1 << 18;

/**
 * The BLAKE3 digests of many messages of one length: `length` bytes at every `stride` bytes (at least `length`) of `bytes`,
 * as many as there are strides in it. 32 bytes a message. Messages of at most 1024 bytes are hashed four at a time, where one
 * by one three of four lanes would repeat the first.
 */
export function blake3Each(bytes: Uint8Array, stride: number, length: number): Uint8Array {
  const count = Math.floor(bytes.length / stride);
  const digests = new Uint8Array(count * DIGEST);
  if (length === 0 || length > CHUNK) {
    for (let i = 0; i < count; i++) digests.set(blake3(bytes.subarray(i * stride, i * stride + length)), i * DIGEST);
    return digests;
  }
  const { arena, exports } = loadKernels();
  // Whole blocks are read, and what follows a message must be zero.
  const padded = Math.ceil(length / BLOCK) * BLOCK;
  const tile = Math.min(Math.floor(STAGING / padded), count + 3) & ~3;
  arena.scope(() => {
    const from = arena.alloc(tile * padded);
    const to = arena.alloc(tile * DIGEST);
    for (let first = 0; first < count; first += tile) {
      const messages = Math.min(tile, count - first);
      const staged = arena.u8(from, tile * padded).fill(0);
      for (let i = 0; i < messages; i++) {
        const start = (first + i) * stride;
        staged.set(bytes.subarray(start, start + length), i * padded);
      }
      for (let i = 0; i < messages; i += 4) {
        const lanes = from + i * padded;
        exports.blake3Four(lanes, padded, length, 0n, 0n, 0, CHUNK_START, CHUNK_END_ROOT, to + i * DIGEST);
      }
      digests.set(arena.u8(to, messages * DIGEST), first * DIGEST);
    }
  });
  return digests;
}
