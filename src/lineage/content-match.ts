import type { MatrixSketch } from "../fingerprint/fingerprint.ts";
import { hammingMatrix } from "../kernels/bits.ts";
import { logFactorial } from "../numerics/gamma.ts";
import type { MatrixPair } from "./matrix-pair.ts";

/** Matrices of one shape, and pairs of them over all shapes, beyond what any model has: all pairs are held and sorted. */
const MAX_CLASS = 1024;
const MAX_PAIRS = 1 << 22;

export interface ContentMatch {
  readonly pairs: readonly MatrixPair[];
  /** log10 of the number of assignments this one was chosen from. */
  readonly log10Tried: number;
  /** Matrices of the smaller side that were not searched for, since there were too many of their shape. */
  readonly leftOut: number;
}

/**
 * Pairs matrices whose names say nothing: among matrices of one shape the pairs that agree most are taken first, each
 * matrix once. Where there are too many of a shape for that, equal ones are taken first, and the rest if it is few enough.
 * Chosen by content, so all assignments of a shape class count as tried.
 */
export function matchByContent(suspect: readonly MatrixSketch[], base: readonly MatrixSketch[]): ContentMatch {
  const pairs: MatrixPair[] = [];
  let log10Tried = 0;
  const classes = new Map<string, { suspect: MatrixSketch[]; base: MatrixSketch[] }>();
  const classOf = (s: MatrixSketch): { suspect: MatrixSketch[]; base: MatrixSketch[] } => {
    const key = `${s.rows}x${s.cols}/${s.sampled.join()}`;
    let found = classes.get(key);
    if (!found) {
      found = { suspect: [], base: [] };
      classes.set(key, found);
    }
    return found;
  };
  for (const s of suspect) classOf(s).suspect.push(s);
  for (const b of base) classOf(b).base.push(b);
  let compared = 0;
  let leftOut = 0;
  for (const group of classes.values()) {
    const small = Math.min(group.suspect.length, group.base.length);
    const large = Math.max(group.suspect.length, group.base.length);
    if (small === 0) continue;
    const equal = large > MAX_CLASS ? equalPairs(group.suspect, group.base) : [];
    const rest = { suspect: without(group.suspect, equal, "suspect"), base: without(group.base, equal, "base") };
    const [few, many] = [small - equal.length, large - equal.length];
    const isSearched = few > 0 && many <= MAX_CLASS && compared + few * many <= MAX_PAIRS;
    if (few > 0 && !isSearched) leftOut += few;
    if (!isSearched && equal.length === 0) continue;
    log10Tried += (logFactorial(large) - logFactorial(large - small)) / Math.LN10;
    for (const pair of equal) pairs.push(pair);
    if (!isSearched) continue;
    compared += few * many;
    for (const pair of assign(rest.suspect, rest.base)) pairs.push(pair);
  }
  return { pairs, log10Tried, leftOut };
}

/** Matrices that are equal wherever they were read, found without a search. */
function equalPairs(suspect: readonly MatrixSketch[], base: readonly MatrixSketch[]): MatrixPair[] {
  const waiting = new Map<string, { next: number; readonly sketches: MatrixSketch[] }>();
  for (const b of base) {
    const list = waiting.get(b.digest.f32);
    if (list === undefined) waiting.set(b.digest.f32, { next: 0, sketches: [b] });
    else list.sketches.push(b);
  }
  return suspect.flatMap((s) => {
    const list = waiting.get(s.digest.f32);
    const b = list?.sketches[list.next++];
    return b === undefined ? [] : [{ suspect: s, base: b }];
  });
}

function without(
  sketches: readonly MatrixSketch[],
  pairs: readonly MatrixPair[],
  side: keyof MatrixPair,
): readonly MatrixSketch[] {
  if (pairs.length === 0) return sketches;
  const taken = new Set(pairs.map((pair) => pair[side]));
  return sketches.filter((s) => !taken.has(s));
}

function assign(suspect: readonly MatrixSketch[], base: readonly MatrixSketch[]): MatrixPair[] {
  const words = suspect[0]!.bits.length;
  const left = concat(suspect, words);
  const right = concat(base, words);
  const distance = hammingMatrix(left, suspect.length, right, base.length, words);
  const order = Array.from({ length: distance.length }, (_, i) => i).sort(
    (x, y) => distance[x]! - distance[y]! || x - y,
  );
  const usedSuspect = new Set<number>();
  const usedBase = new Set<number>();
  const pairs: MatrixPair[] = [];
  for (const k of order) {
    const i = Math.floor(k / base.length);
    const j = k % base.length;
    if (usedSuspect.has(i) || usedBase.has(j)) continue;
    usedSuspect.add(i);
    usedBase.add(j);
    pairs.push({ suspect: suspect[i]!, base: base[j]! });
  }
  return pairs;
}

function concat(sketches: readonly MatrixSketch[], words: number): Uint32Array {
  const out = new Uint32Array(sketches.length * words);
  sketches.forEach((s, i) => {
    out.set(s.bits, i * words);
  });
  return out;
}
