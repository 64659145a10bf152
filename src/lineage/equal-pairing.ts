import type { Fingerprint, MatrixSketch } from "../fingerprint/fingerprint.ts";
import { isConstant } from "./constant-matrix.ts";
import type { MatrixPair } from "./matrix-pair.ts";
import type { Pairing } from "./pairing.ts";

/**
 * Matrices that are equal wherever they were read, each against its equal; null with fewer than two. Whatever their columns
 * count, and who gave them does not matter: equal bits come of no common teacher and no common stream.
 */
export function equalPairing(suspect: Fingerprint, base: Fingerprint): Pairing | null {
  const keyOf = (s: MatrixSketch): string => `${s.rows}x${s.cols} ${s.digest.f32}`;
  const classes = { suspect: shapeCounts(suspect), base: shapeCounts(base) };
  // What is stored several times (a fixed basis in every layer) is one piece of evidence.
  const waiting = new Map<string, MatrixSketch>();
  for (const s of suspect.sketches) {
    if (s.tokens || s.twin || !s.valid.some(Boolean) || isConstant(s)) continue;
    if (!waiting.has(keyOf(s))) waiting.set(keyOf(s), s);
  }
  const pairs: MatrixPair[] = [];
  let log10Candidates = 0;
  for (const b of base.sketches) {
    if (b.tokens || b.twin) continue;
    const s = waiting.get(keyOf(b));
    if (s === undefined) continue;
    waiting.delete(keyOf(b));
    pairs.push({ suspect: s, base: b, isEqual: true });
    const shape = `${b.rows}x${b.cols}`;
    log10Candidates = Math.max(log10Candidates, Math.log10(classes.suspect.get(shape)! * classes.base.get(shape)!));
  }
  if (pairs.length < 2) return null;
  const component = commonest(pairs.map((pair) => pair.base.component));
  const suspectComponent = commonest(pairs.map((pair) => pair.suspect.component));
  return {
    component,
    suspectComponent,
    pairs,
    layers: [],
    log10Tried: 0,
    log10Candidates,
    isChosen: true,
    isEqual: true,
  };
}

function commonest(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]![0];
}

function shapeCounts({ sketches }: Fingerprint): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { rows, cols } of sketches) counts.set(`${rows}x${cols}`, (counts.get(`${rows}x${cols}`) ?? 0) + 1);
  return counts;
}
