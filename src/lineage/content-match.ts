import type { Sketch } from "../fingerprint/fingerprint.ts";
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
}

/**
 * Pairs matrices whose names say nothing: among matrices of one shape the pairs that agree most are taken first, each
 * matrix once. Chosen by content, so all assignments of a shape class count as tried.
 */
export function matchByContent(suspect: readonly Sketch[], base: readonly Sketch[]): ContentMatch {
  const pairs: MatrixPair[] = [];
  let log10Tried = 0;
  const classes = new Map<string, { suspect: Sketch[]; base: Sketch[] }>();
  const classOf = (s: Sketch): { suspect: Sketch[]; base: Sketch[] } => {
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
  for (const group of classes.values()) {
    const small = Math.min(group.suspect.length, group.base.length);
    const large = Math.max(group.suspect.length, group.base.length);
    if (small === 0 || large > MAX_CLASS || compared + small * large > MAX_PAIRS) continue;
    compared += small * large;
    log10Tried += (logFactorial(large) - logFactorial(large - small)) / Math.LN10;
    pairs.push(...assign(group.suspect, group.base));
  }
  return { pairs, log10Tried };
}

function assign(suspect: readonly Sketch[], base: readonly Sketch[]): MatrixPair[] {
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

function concat(sketches: readonly Sketch[], words: number): Uint32Array {
  const out = new Uint32Array(sketches.length * words);
  sketches.forEach((s, i) => {
    out.set(s.bits, i * words);
  });
  return out;
}
