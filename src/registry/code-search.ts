import { CONTENT_WIDTH, laneBits } from "../fingerprint/layer-codes.ts";
import { CODE_BYTES, nearestCodes } from "../kernels/bits.ts";
import type { CodeIndex } from "./code-index.ts";
import { nullOfSmallest } from "./code-null.ts";
import { itemCode, itemCount, itemWidth } from "./packed-codes.ts";

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
 *
 * The code of the content counts only where it is the same. Another one says that not all values are equal, which is true of
 * every derivative: counted, it would lower the score of one with a single matrix, and give one to bases that share nothing
 * else with the suspect.
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
  { codes, codeEnds, members, groupMembers, widths }: CodeIndex,
  group: number,
  query: Uint8Array,
  sum: Float64Array,
  compared: Uint32Array,
): void {
  const queries = query.length / CODE_BYTES;
  const from = groupMembers[group]!;
  const ends = codeEnds.subarray(from, groupMembers[group + 1]!);
  const start = from === 0 ? 0 : codeEnds[from - 1]!;
  const bits = laneBits(widths[group]!);
  const equalOnly = widths[group] === CONTENT_WIDTH;
  nearestCodes(query, codes, bits, start, ends, (first, count, nearest) => {
    for (let i = 0; i < count; i++) {
      if (equalOnly && nearest[i] !== 0) continue;
      const member = first + i;
      const base = members[from + member]!;
      const { mean, sd } = nullOfSmallest(ends[member]! - (member === 0 ? start : ends[member - 1]!), bits);
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
