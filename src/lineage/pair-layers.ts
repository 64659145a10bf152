import type { MatrixSketch } from "../fingerprint/fingerprint.ts";
import type { Layer } from "./layer.ts";
import type { MatrixPair } from "./matrix-pair.ts";

/** Roles that say where in its layer a matrix stands; of others the shape is asked too. */
const OPEN: ReadonlySet<string> = new Set(["unknown", "other", "conv"]);

/** Matrices of two layers with the same role and expert: where there are several, the k-th against the k-th. */
export function pairLayers(suspect: Layer, base: Layer): MatrixPair[] {
  return pairSketches(suspect.sketches, base.sketches);
}

/** The same for matrices outside of layers. */
export function pairSketches(suspect: readonly MatrixSketch[], base: readonly MatrixSketch[]): MatrixPair[] {
  const waiting = new Map<string, MatrixSketch[]>();
  for (const s of suspect) {
    const list = waiting.get(placeOf(s));
    if (list) list.push(s);
    else waiting.set(placeOf(s), [s]);
  }
  const taken = new Map<string, number>();
  return base.flatMap((b) => {
    const place = placeOf(b);
    const k = taken.get(place) ?? 0;
    taken.set(place, k + 1);
    const s = waiting.get(place)?.[k];
    return s === undefined ? [] : [{ suspect: s, base: b }];
  });
}

function placeOf({ role, expert, rows, cols }: MatrixSketch): string {
  return OPEN.has(role) ? `${role}/${expert}/${rows}x${cols}` : `${role}/${expert}`;
}
