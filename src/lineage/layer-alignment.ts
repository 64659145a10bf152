import type { LayerMatrix } from "./layer-matrix.ts";

/** A layer match below this z is no match. */
const GAP_Z = 3;
/** What leaving the order of the base costs, in z: skipping forward is common (pruned layers), going back is a repeat. */
const SKIP_COST = 1;
const BACK_COST = 2;

/** For every suspect layer the index of its base layer, or -1. */
export interface LayerAlignment {
  readonly map: readonly number[];
  /** log10 of the number of maps this one was chosen from. */
  readonly log10Tried: number;
}

/** Layer i on layer i: the first thing tried, at no cost. */
export function identityAlignment(matrix: LayerMatrix): LayerAlignment | null {
  const same =
    matrix.suspect.length === matrix.base.length && matrix.suspect.every((l, i) => l.number === matrix.base[i]!.number);
  return same ? { map: matrix.suspect.map((_, i) => i), log10Tried: 0 } : null;
}

/**
 * Best map of suspect layers to base layers with gaps (a layer that matches nothing), skips (dropped layers), repeats and
 * jumps (duplicated or re-ordered layers), by dynamic programming over (suspect layer, base layer). It is one of
 * (layers of the base + 1) ^ (layers of the suspect) maps, and the correction counts all of them.
 */
export function bestAlignment(matrix: LayerMatrix): LayerAlignment {
  const rows = matrix.suspect.length;
  const cols = matrix.base.length;
  // State `cols` is the gap; `last` of a gap is the state before it, so that a gap does not reset the order.
  const back: Int32Array[] = [];
  let score = new Float64Array(cols + 1).fill(0);
  for (let i = 0; i < rows; i++) {
    const next = new Float64Array(cols + 1).fill(Number.NEGATIVE_INFINITY);
    const from = new Int32Array(cols + 1).fill(-1);
    for (let j = 0; j <= cols; j++) {
      const gain = j === cols ? 0 : Math.abs(matrix.z[i * cols + j]!) - GAP_Z;
      for (let k = 0; k <= cols; k++) {
        const cost = i === 0 || j === cols || k === cols || j === k + 1 ? 0 : j > k ? SKIP_COST : BACK_COST;
        const value = score[k]! + gain - cost;
        if (value > next[j]!) {
          next[j] = value;
          from[j] = k;
        }
        if (i === 0) break;
      }
    }
    back.push(from);
    score = next;
  }
  let state = 0;
  for (let j = 1; j <= cols; j++) if (score[j]! > score[state]!) state = j;
  const map = new Array<number>(rows).fill(-1);
  for (let i = rows - 1; i >= 0; i--) {
    map[i] = state === cols ? -1 : state;
    state = back[i]![state]!;
  }
  return { map: withoutWeaker(map, matrix), log10Tried: rows * Math.log10(cols + 1) };
}

/** A layer that was stored twice resembles its origin twice as well; one that merely resembles it most is no match. */
const OF_THE_BEST = 0.5;

/** Of several layers on one, those that resemble it far less than the best of them match nothing. */
function withoutWeaker(map: readonly number[], matrix: LayerMatrix): number[] {
  const cols = matrix.base.length;
  const best = new Float64Array(cols);
  map.forEach((j, i) => {
    if (j >= 0) best[j] = Math.max(best[j]!, Math.abs(matrix.z[i * cols + j]!));
  });
  return map.map((j, i) => (j >= 0 && Math.abs(matrix.z[i * cols + j]!) < OF_THE_BEST * best[j]! ? -1 : j));
}
