import type { NearestVisitor } from "../../src/kernels/code-scan.ts";
import { ones } from "./ones.ts";

const CODE_BYTES = 32;

/** `nearestCodes` in plain TypeScript: same distances, told in one run. */
export function nearestCodesPlain(
  query: Uint8Array,
  stored: Uint8Array,
  laneBits: number,
  start: number,
  ends: Float64Array,
  visit: NearestVisitor,
): void {
  const queries = query.length / CODE_BYTES;
  const nearest = new Uint32Array(queries * ends.length).fill(8 * CODE_BYTES);
  for (let q = 0; q < queries; q++) {
    for (let owner = 0; owner < ends.length; owner++) {
      for (let code = owner === 0 ? start : ends[owner - 1]!; code < ends[owner]!; code++) {
        const at = q * ends.length + owner;
        const distance = foldedDistance(query, q * CODE_BYTES, stored, code * CODE_BYTES, laneBits);
        nearest[at] = Math.min(nearest[at]!, distance);
      }
    }
  }
  if (ends.length > 0) visit(0, ends.length, nearest);
}

/** Of the code that begins at byte `atA` of `a` from the one at byte `atB` of `b`. */
function foldedDistance(a: Uint8Array, atA: number, b: Uint8Array, atB: number, laneBits: number): number {
  const laneBytes = laneBits > 64 ? 16 : laneBits > 32 ? 8 : 4;
  let distance = 0;
  for (let lane = 0; lane < CODE_BYTES; lane += laneBytes) {
    let differing = 0;
    for (let k = lane; k < lane + laneBytes; k++) differing += ones(a[atA + k]! ^ b[atB + k]!);
    distance += Math.min(differing, laneBits - differing);
  }
  return distance;
}
