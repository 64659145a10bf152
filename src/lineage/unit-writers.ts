import type { Fingerprint, MatrixSketch } from "../fingerprint/fingerprint.ts";
import { hasOneNorm } from "./constant-matrix.ts";
import type { MatrixPair } from "./matrix-pair.ts";

/** Whether shapes alone say that what writes so wide an output is what its columns come from. */
export function isPresumed({ axis, given }: MatrixSketch): boolean {
  return axis === "channels" && given;
}

/** Places of a kernel, that is no 1 x 1, in one and two dimensions. */
const PLACES: ReadonlySet<number> = new Set([3, 5, 7, 9, 25, 49]);

/**
 * Whether rows are outputs of such a width: one each, or gates of a cell or places of a kernel for each. Linears, and kernels
 * of one place, that read the same width as well may be lenses on a public stream, or its heads, and so may those that lie
 * side by side: they show nothing of who writes it.
 */
export function mayWrite({ fingerprint, sketch }: Placed, width: number): boolean {
  const { tokens, twin, rows, cols, role } = sketch;
  // Bases of mathematics, as a principal component analysis gives, are the same wherever they are calculated.
  if (tokens || twin || isPresumed(sketch) || hasOneNorm(sketch) || rows % width !== 0) return false;
  if (role === "conv" && PLACES.has(rows / width)) return true;
  return (rows === width && cols !== width) || cellStates(fingerprint).get(stateKey(sketch)) === width;
}

/** A matrix, and the model whose other matrices tell what it is. */
export interface Placed {
  readonly fingerprint: Fingerprint;
  readonly sketch: MatrixSketch;
}

const GATES = [3, 4] as const;
const states = new WeakMap<Fingerprint, ReadonlyMap<string, number>>();

/** Widths of the states of recurrent cells, whose two matrices have three or four gates for each: one reads the state itself. */
function cellStates(fingerprint: Fingerprint): ReadonlyMap<string, number> {
  const known = states.get(fingerprint);
  if (known !== undefined) return known;
  const alike = new Map<string, MatrixSketch[]>();
  for (const sketch of fingerprint.sketches) {
    const list = alike.get(stateKey(sketch));
    if (list) list.push(sketch);
    else alike.set(stateKey(sketch), [sketch]);
  }
  const found = new Map<string, number>();
  for (const [key, list] of alike) {
    const state = list.find(({ rows, cols }) => GATES.some((gates) => rows === gates * cols));
    if (state !== undefined && list.length > 1) found.set(key, state.cols);
  }
  states.set(fingerprint, found);
  return found;
}

function stateKey({ component, rows }: MatrixSketch): string {
  return `${component}/${rows}`;
}

/** The matrices that are laid over one another, and of other parts those of one place. */
export function writingPairs(
  suspect: Fingerprint,
  base: Fingerprint,
  laid: readonly MatrixPair[],
): readonly MatrixPair[] {
  const places = new Map<string, MatrixSketch[]>();
  for (const sketch of suspect.sketches) {
    const list = places.get(placeOf(sketch));
    if (list) list.push(sketch);
    else places.set(placeOf(sketch), [sketch]);
  }
  const there = new Set(laid.map((pair) => pair.base));
  const others = base.sketches.flatMap((sketch): MatrixPair[] => {
    const other = places.get(placeOf(sketch))?.shift();
    return other === undefined || there.has(sketch) ? [] : [{ suspect: other, base: sketch }];
  });
  return [...laid, ...others];
}

function placeOf({ component, layer, expert, role, rows, cols, twin }: MatrixSketch): string {
  return `${component}/${layer}/${expert}/${role}/${rows}x${cols}/${twin}`;
}
