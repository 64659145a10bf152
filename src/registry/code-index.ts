import { scanCodes } from "../kernels/bits.ts";
import { CODE_BYTES, itemCode, itemKeys } from "./packed-codes.ts";

const CODE_BITS = 8 * CODE_BYTES;

/** Codes of all bases that may be compared with one another: of the same width. */
interface CodeGroup {
  /** 32 bytes a code, base after base. */
  readonly codes: Uint8Array;
  /** Place in `bases` of the base that each code belongs to. */
  readonly slot: Uint32Array;
  /** Bases with codes in this group, and how many each has. */
  readonly bases: number[];
  readonly counts: number[];
}

export interface CodeIndex {
  readonly bases: number;
  /** By the keys of `itemKeys`. */
  readonly groups: ReadonlyMap<number, CodeGroup>;
}

/** Groups the codes of all bases for the scan; `bases[i]` are the packed codes of base i. */
export function buildCodeIndex(bases: readonly Uint8Array[]): CodeIndex {
  const keys = bases.map(itemKeys);
  const sizes = new Map<number, number>();
  for (const key of keys.flatMap((of) => [...of])) sizes.set(key, (sizes.get(key) ?? 0) + 1);
  const groups = new Map<number, CodeGroup>();
  const filled = new Map<number, number>();
  for (const [key, size] of sizes) {
    groups.set(key, { codes: new Uint8Array(size * CODE_BYTES), slot: new Uint32Array(size), bases: [], counts: [] });
  }
  bases.forEach((items, base) => {
    keys[base]!.forEach((key, item) => {
      const group = groups.get(key)!;
      const at = filled.get(key) ?? 0;
      filled.set(key, at + 1);
      if (group.bases.at(-1) !== base) {
        group.bases.push(base);
        group.counts.push(0);
      }
      const slot = group.bases.length - 1;
      group.slot[at] = slot;
      group.counts[slot]!++;
      group.codes.set(itemCode(items, item), at * CODE_BYTES);
    });
  });
  return { bases: bases.length, groups };
}

/** Mean and standard deviation of the smallest of K distances between independent random codes. */
interface NullMoments {
  readonly mean: number;
  readonly sd: number;
}

const nullByCount = new Map<number, NullMoments>();

/** Exact for K independent Binomial(256, 1/2) distances: E[min] = sum over d of P(min > d). */
export function nullOfSmallest(count: number): NullMoments {
  const known = nullByCount.get(count);
  if (known !== undefined) return known;
  let logMass = -CODE_BITS * Math.LN2;
  let cumulative = 0;
  let first = 0;
  let second = 0;
  for (let d = 0; d < CODE_BITS; d++) {
    cumulative += Math.exp(logMass);
    logMass += Math.log((CODE_BITS - d) / (d + 1));
    const beyond = Math.max(0, 1 - cumulative) ** count;
    first += beyond;
    second += (2 * d + 1) * beyond;
  }
  const moments = { mean: first, sd: Math.sqrt(Math.max(second - first * first, 1e-6)) };
  nullByCount.set(count, moments);
  return moments;
}

/**
 * How much closer each base's layers are to the suspect's than random codes would be: for every suspect code the
 * nearest of the base's codes of the same width, standardised, summed, and divided by the square root of
 * their number. About N(0,1) for an unrelated base; null where nothing could be compared. Exhaustive, so exact.
 */
export function scoreBases(index: CodeIndex, suspect: Uint8Array): (number | null)[] {
  const sum = new Float64Array(index.bases);
  const compared = new Uint32Array(index.bases);
  const queries = new Map<number, number[]>();
  itemKeys(suspect).forEach((key, item) => {
    const items = queries.get(key);
    if (items) items.push(item);
    else queries.set(key, [item]);
  });
  for (const [key, items] of queries) {
    const group = index.groups.get(key);
    if (group === undefined) continue;
    const packed = new Uint8Array(items.length * CODE_BYTES);
    items.forEach((item, q) => {
      packed.set(itemCode(suspect, item), q * CODE_BYTES);
    });
    scanGroup(group, packed, sum, compared);
  }
  return Array.from(sum, (total, base) => (compared[base] === 0 ? null : total / Math.sqrt(compared[base]!)));
}

/** Adds the standardised nearest distance of each of the suspect's codes to every base of the group. */
function scanGroup(group: CodeGroup, packed: Uint8Array, sum: Float64Array, compared: Uint32Array): void {
  const { codes, slot, bases, counts } = group;
  const queries = packed.length / CODE_BYTES;
  const nearest = new Uint16Array(queries * bases.length).fill(CODE_BITS);
  scanCodes(packed, codes, CODE_BYTES, (first, count, distances) => {
    for (let q = 0; q < queries; q++) {
      const row = q * bases.length;
      for (let i = 0; i < count; i++) {
        const at = row + slot[first + i]!;
        const distance = distances[q * count + i]!;
        if (distance < nearest[at]!) nearest[at] = distance;
      }
    }
  });
  bases.forEach((base, b) => {
    const { mean, sd } = nullOfSmallest(counts[b]!);
    for (let q = 0; q < queries; q++) sum[base]! += (mean - nearest[q * bases.length + b]!) / sd;
    compared[base]! += queries;
  });
}
