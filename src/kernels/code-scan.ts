import { WeightmarkError } from "../errors.ts";
import { popcount32 } from "./hamming.ts";
import { loadKernels } from "./load-kernels.ts";

/** Bytes of stored codes at a time. */
const TILE_BYTES = 1 << 18;

/**
 * Told the distances of a run of stored codes: `distances[q * count + i]` is that of query code q to stored code
 * `first + i`. The array is overwritten by the next run.
 */
export type ScanVisitor = (first: number, count: number, distances: Uint32Array) => void;

/**
 * Compares every query code with every stored code by exhaustive popcount, in order, in bounded memory.
 * `codeBytes` is a multiple of 8; `query` and `stored` are whole numbers of codes of that size.
 */
export function scanCodes(query: Uint8Array, stored: Uint8Array, codeBytes: number, visit: ScanVisitor): void {
  const { queries, codes } = codeCounts(query, stored, codeBytes);
  const { arena, exports } = loadKernels();
  const tile = Math.min(Math.max(1, Math.floor(TILE_BYTES / codeBytes)), codes);
  arena.scope(() => {
    const atQuery = arena.alloc(query.length);
    const atStored = arena.alloc(tile * codeBytes);
    const to = arena.alloc(tile * 4);
    arena.u8(atQuery, query.length).set(query);
    const distances = new Uint32Array(queries * tile);
    for (let first = 0; first < codes; first += tile) {
      const count = Math.min(tile, codes - first);
      arena.u8(atStored, count * codeBytes).set(stored.subarray(first * codeBytes, (first + count) * codeBytes));
      for (let q = 0; q < queries; q++) {
        exports.hammingRows(atQuery + q * codeBytes, 1, atStored, count, codeBytes, to);
        distances.set(arena.u32(to, count), q * count);
      }
      visit(first, count, distances.subarray(0, queries * count));
    }
  });
}

/** `scanCodes` in plain TypeScript: same distances, visited in one run. */
export function scanCodesPlain(query: Uint8Array, stored: Uint8Array, codeBytes: number, visit: ScanVisitor): void {
  const { queries, codes } = codeCounts(query, stored, codeBytes);
  const distances = new Uint32Array(queries * codes);
  for (let q = 0; q < queries; q++) {
    for (let i = 0; i < codes; i++) {
      let distance = 0;
      for (let k = 0; k < codeBytes; k++)
        distance += popcount32(query[q * codeBytes + k]! ^ stored[i * codeBytes + k]!);
      distances[q * codes + i] = distance;
    }
  }
  if (codes > 0) visit(0, codes, distances);
}

function codeCounts(query: Uint8Array, stored: Uint8Array, codeBytes: number): { queries: number; codes: number } {
  const queries = query.length / codeBytes;
  const codes = stored.length / codeBytes;
  if (codeBytes % 8 !== 0 || !Number.isInteger(queries) || !Number.isInteger(codes)) {
    throw new WeightmarkError("INTERNAL", `codes of ${codeBytes} bytes do not divide what is scanned`);
  }
  return { queries, codes };
}
