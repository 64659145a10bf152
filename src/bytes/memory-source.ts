import type { SyncByteSource } from "./byte-source.ts";
import { requireRange } from "./range.ts";

/**
 * Bytes already in memory as a source. Reads are copies: nobody who writes to what they read changes the source.
 *
 * @throws READ_OUT_OF_RANGE on reads beyond the end
 */
export function memorySource(bytes: Uint8Array, location = "memory"): SyncByteSource {
  return {
    location,
    size: bytes.length,
    async read(start, end) {
      requireRange(start, end, bytes.length, location);
      return new Uint8Array(bytes.subarray(start, end));
    },
    readIntoSync(target, start) {
      requireRange(start, start + target.length, bytes.length, location);
      target.set(bytes.subarray(start, start + target.length));
    },
    async verifyUnchanged() {},
    async close() {},
  };
}
