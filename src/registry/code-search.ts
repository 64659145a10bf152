import { nearestCodes } from "../kernels/bits.ts";
import type { CodeIndex } from "./code-index.ts";
import { CODE_BYTES, itemCode, itemCount, itemWidth } from "./packed-codes.ts";

const CODE_BITS = 8 * CODE_BYTES;

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

/** The suspect's codes of every width, in the order in which the widths first appear. */
function queriesOf(suspect: Uint8Array): Map<number, Uint8Array> {
  const places = new Map<number, number[]>();
  for (let item = 0; item < itemCount(suspect); item++) {
    const width = itemWidth(suspect, item);
    const items = places.get(width);
    if (items) items.push(item);
    else places.set(width, [item]);
  }
  const packed = ([width, items]: [number, number[]]): [number, Uint8Array] => {
    const codes = new Uint8Array(items.length * CODE_BYTES);
    items.forEach((item, q) => {
      itemCode(suspect, item, codes, q * CODE_BYTES);
    });
    return [width, codes];
  };
  return new Map([...places].map(packed));
}

/**
 * How much closer each base's layers are to the suspect's than random codes would be: for every suspect code the
 * nearest of the base's codes of the same width, standardised, summed, and divided by the square root of
 * their number. About N(0,1) for an unrelated base; NaN where nothing could be compared. Exhaustive, so exact.
 */
export function scoreBases(index: CodeIndex, suspect: Uint8Array): Float64Array {
  const scores = new Float64Array(index.bases);
  const compared = new Uint32Array(index.bases);
  for (const [width, query] of queriesOf(suspect)) {
    const group = index.widths.indexOf(width);
    if (group >= 0) scoreGroup(index, group, query, scores, compared);
  }
  for (let base = 0; base < scores.length; base++) {
    // No comparison leaves 0 / 0.
    scores[base]! /= Math.sqrt(compared[base]!);
  }
  return scores;
}

/** Adds the standardised nearest distance of each of the suspect's codes to every base of the group. */
function scoreGroup(
  { codes, codeEnds, members, groupMembers }: CodeIndex,
  group: number,
  query: Uint8Array,
  sum: Float64Array,
  compared: Uint32Array,
): void {
  const queries = query.length / CODE_BYTES;
  const from = groupMembers[group]!;
  const ends = codeEnds.subarray(from, groupMembers[group + 1]!);
  const start = from === 0 ? 0 : codeEnds[from - 1]!;
  nearestCodes(query, codes, CODE_BYTES, start, ends, (first, count, nearest) => {
    for (let i = 0; i < count; i++) {
      const member = first + i;
      const base = members[from + member]!;
      const { mean, sd } = nullOfSmallest(ends[member]! - (member === 0 ? start : ends[member - 1]!));
      let total = sum[base]!;
      for (let q = 0; q < queries; q++) total += (mean - nearest[q * count + i]!) / sd;
      sum[base] = total;
      compared[base]! += queries;
    }
  });
}

/** A base by its number in the index. */
export interface ScoredBase {
  readonly base: number;
  readonly score: number;
}

/** The `limit` best bases that could be compared, best first, among equals the one with the lower number. */
export function bestBases(scores: Float64Array, limit: number): ScoredBase[] {
  if (limit < 1) return [];
  let kept: ScoredBase[] = [];
  let least = Number.NEGATIVE_INFINITY;
  const cut = () => {
    kept.sort((a, b) => b.score - a.score || a.base - b.base);
    kept = kept.slice(0, limit);
  };
  scores.forEach((score, base) => {
    // Later bases of the least score kept lose to the earlier one. NaN is never above.
    if (!(score > least)) return;
    kept.push({ base, score });
    if (kept.length < 2 * limit + 64) return;
    cut();
    least = kept.at(-1)!.score;
  });
  cut();
  return kept;
}
