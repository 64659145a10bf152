import { WeightmarkError } from "../errors.ts";
import { loadKernels } from "./load-kernels.ts";

export const CODE_BYTES = 32;
const CODE_WORDS = CODE_BYTES / 4;
/** Bits of the longest lane: there are two in a code. */
const LONGEST_LANE = 128;

/** Codes at a time, a multiple of four: they stay in the L2 cache while every query passes over them. */
const TILE = 1 << 13;
/** Distances told at a time, at most: what many queries times many owners would take otherwise. */
const MAX_TOLD = 1 << 20;
/** Farther than any code is from another. */
const NONE = 8 * CODE_BYTES;

/** Words of a lane that uses `laneBits` bits: 1, 2 or 4. */
export function laneWords(laneBits: number): number {
  return laneBits > 64 ? 4 : laneBits > 32 ? 2 : 1;
}

/** Lanes of a code whose lanes use `laneBits` bits: 8, 4 or 2. */
export function laneCount(laneBits: number): number {
  return CODE_WORDS / laneWords(laneBits);
}

/**
 * Told the nearest distances of a run of owners: `nearest[q * count + i]` is that of query code q to the nearest code of owner
 * `first + i`, 256 where it has none. The array is overwritten by the next run.
 */
export type NearestVisitor = (first: number, count: number, nearest: Uint32Array) => void;

/**
 * For every query code and every owner the folded distance to the nearest of the owner's codes: exhaustive popcount, in order, in
 * bounded memory. The folded distance is, summed over the lanes, the number of bits that differ or the number of those that
 * agree, whichever is less: to turn all signs of a lane changes nothing. A code is as many lanes as it has room for, each as many
 * words as its lowest `laneBits` bits need; other bits are zero. The codes of owner 0 begin at code `start` of `stored`, the next
 * owner's where those of the one before it end; `ends` has the ends of all of them.
 */
export function nearestCodes(
  query: Uint8Array,
  stored: Uint8Array,
  laneBits: number,
  start: number,
  ends: Float64Array,
  visit: NearestVisitor,
): void {
  const queries = countQueries(query, stored, laneBits, ends);
  const { arena, exports } = loadKernels();
  const words = laneWords(laneBits);
  const maxCount = Math.min(TILE, Math.max(1, Math.floor(MAX_TOLD / Math.max(queries, 1))), ends.length);
  const told = new Uint32Array(queries * maxCount);
  arena.scope(() => {
    const atQuery = arena.alloc(query.length);
    const atStored = arena.alloc(TILE * CODE_BYTES);
    const atEnds = arena.alloc(maxCount * 4);
    const scratch = arena.alloc(TILE * 4);
    const atNearest = arena.alloc(queries * maxCount * 4);
    arena.u8(atQuery, query.length).set(query);
    for (let first = 0, begin = start; first < ends.length; ) {
      const count = runLength(ends, first, begin + TILE, maxCount);
      const end = ends[first + count - 1]!;
      arena.u32(atNearest, queries * count).fill(NONE);
      // More than one tile only where a single owner has so many codes.
      for (let at = begin; at < end; at += TILE) {
        const codes = Math.min(TILE, end - at);
        arena.u8(atStored, codes * CODE_BYTES).set(stored.subarray(at * CODE_BYTES, (at + codes) * CODE_BYTES));
        const inTile = arena.u32(atEnds, count);
        for (let i = 0; i < count; i++) inTile[i] = Math.min(ends[first + i]! - at, codes);
        for (let q = 0; q < queries; q++) {
          const [from, to] = [atQuery + q * CODE_BYTES, atNearest + q * count * 4];
          exports.nearestFolded(from, atStored, words, laneBits, atEnds, count, scratch, to);
        }
      }
      // A copy: the visitor may run kernels of its own, and memory that grows detaches its views.
      const nearest = told.subarray(0, queries * count);
      nearest.set(arena.u32(atNearest, nearest.length));
      visit(first, count, nearest);
      first += count;
      begin = end;
    }
  });
}

/** Owners from `first` on whose codes end by `limit`, at least one. */
function runLength(ends: Float64Array, first: number, limit: number, maxCount: number): number {
  let count = 1;
  while (count < maxCount && first + count < ends.length && ends[first + count]! <= limit) count++;
  return count;
}

function countQueries(query: Uint8Array, stored: Uint8Array, laneBits: number, ends: Float64Array): number {
  const queries = query.length / CODE_BYTES;
  const fits = Number.isInteger(queries) && (ends.at(-1) ?? 0) * CODE_BYTES <= stored.length;
  if (!fits || !(laneBits >= 1 && laneBits <= LONGEST_LANE)) {
    throw new WeightmarkError("INTERNAL", `codes with lanes of ${laneBits} bits do not fit what is scanned`);
  }
  return queries;
}
