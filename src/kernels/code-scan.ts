import { WeightmarkError } from "../errors.ts";
import { popcount32 } from "./hamming.ts";
import { loadKernels } from "./load-kernels.ts";

/** Bytes of stored codes at a time: they stay in the L2 cache while every query passes over them. */
const TILE_BYTES = 1 << 18;
/** Distances told at a time, at most: what many queries times many owners would take otherwise. */
const MAX_TOLD = 1 << 20;

/**
 * Told the nearest distances of a run of owners: `nearest[q * count + i]` is that of query code q to the nearest code of owner
 * `first + i`, 8 x codeBytes where it has none. The array is overwritten by the next run.
 */
export type NearestVisitor = (first: number, count: number, nearest: Uint32Array) => void;

/**
 * For every query code and every owner the Hamming distance to the nearest of the owner's codes: exhaustive popcount, in
 * order, in bounded memory. `codeBytes` is a multiple of 8. The codes of owner 0 begin at code `start` of `stored`, the next
 * owner's where those of the one before it end; `ends` has the ends of all of them.
 */
export function nearestCodes(
  query: Uint8Array,
  stored: Uint8Array,
  codeBytes: number,
  start: number,
  ends: Float64Array,
  visit: NearestVisitor,
): void {
  const queries = countQueries(query, stored, codeBytes, ends);
  const { arena, exports } = loadKernels();
  const tile = Math.max(1, Math.floor(TILE_BYTES / codeBytes));
  const maxCount = Math.min(tile, Math.max(1, Math.floor(MAX_TOLD / Math.max(queries, 1))));
  const nearest = new Uint32Array(queries * Math.min(maxCount, ends.length));
  arena.scope(() => {
    const atQuery = arena.alloc(query.length);
    const atStored = arena.alloc(tile * codeBytes);
    const to = arena.alloc(tile * 4);
    arena.u8(atQuery, query.length).set(query);
    for (let first = 0, begin = start; first < ends.length; ) {
      const count = runLength(ends, first, begin + tile, maxCount);
      const end = ends[first + count - 1]!;
      const told = nearest.subarray(0, queries * count).fill(8 * codeBytes);
      // More than one tile only where a single owner has so many codes.
      for (let at = begin; at < end; at += tile) {
        const codes = Math.min(tile, end - at);
        arena.u8(atStored, codes * codeBytes).set(stored.subarray(at * codeBytes, (at + codes) * codeBytes));
        for (let q = 0; q < queries; q++) {
          exports.hammingRows(atQuery + q * codeBytes, 1, atStored, codes, codeBytes, to);
          keepNearest(arena.u32(to, codes), at, ends, first, told.subarray(q * count, (q + 1) * count));
        }
      }
      visit(first, count, told);
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

/** Lowers `nearest` of the owners from `first` on to their smallest of `distances`, which are those of the codes from `at` on. */
function keepNearest(
  distances: Uint32Array,
  at: number,
  ends: Float64Array,
  first: number,
  nearest: Uint32Array,
): void {
  for (let owner = 0, code = 0; owner < nearest.length; owner++) {
    const end = Math.min(ends[first + owner]! - at, distances.length);
    let least = nearest[owner]!;
    for (; code < end; code++) if (distances[code]! < least) least = distances[code]!;
    nearest[owner] = least;
  }
}

/** `nearestCodes` in plain TypeScript: same distances, told in one run. */
export function nearestCodesPlain(
  query: Uint8Array,
  stored: Uint8Array,
  codeBytes: number,
  start: number,
  ends: Float64Array,
  visit: NearestVisitor,
): void {
  const queries = countQueries(query, stored, codeBytes, ends);
  const nearest = new Uint32Array(queries * ends.length).fill(8 * codeBytes);
  for (let q = 0; q < queries; q++) {
    for (let owner = 0; owner < ends.length; owner++) {
      for (let code = owner === 0 ? start : ends[owner - 1]!; code < ends[owner]!; code++) {
        let distance = 0;
        for (let k = 0; k < codeBytes; k++)
          distance += popcount32(query[q * codeBytes + k]! ^ stored[code * codeBytes + k]!);
        const at = q * ends.length + owner;
        nearest[at] = Math.min(nearest[at]!, distance);
      }
    }
  }
  if (ends.length > 0) visit(0, ends.length, nearest);
}

function countQueries(query: Uint8Array, stored: Uint8Array, codeBytes: number, ends: Float64Array): number {
  const queries = query.length / codeBytes;
  if (codeBytes % 8 !== 0 || !Number.isInteger(queries) || (ends.at(-1) ?? 0) * codeBytes > stored.length) {
    throw new WeightmarkError("INTERNAL", `codes of ${codeBytes} bytes do not fit what is scanned`);
  }
  return queries;
}
