import type { Fingerprint, Sketch } from "../fingerprint/fingerprint.ts";
import { hasOneNorm } from "./constant-matrix.ts";
import { axisOf, type MatrixPair } from "./matrix-pair.ts";
import type { Pairing } from "./pairing.ts";
import { rowsAgree } from "./row-agreement.ts";

/**
 * A pairing without the hidden units that two models do not write alike. Shapes tell that some matrix writes what another one
 * reads, but not whether that is the same stream: heads of a public model lie beside a projector of as many outputs. Units
 * that both models have from one start are written alike as well as read alike; a public model's are read alike alone.
 */
export function withoutForeign(suspect: Fingerprint, base: Fingerprint, way: Pairing): Pairing {
  const read = way.pairs.filter(readsUnits);
  if (read.length === 0) return way;
  const known = new Map<string, boolean>();
  let writers: readonly MatrixPair[] | null = null;
  const isWritten = (pair: MatrixPair): boolean => {
    const key = `${pair.suspect.cols} ${pair.base.cols} ${isPresumedPair(pair)}`;
    let found = known.get(key);
    if (found === undefined) {
      writers ??= writingPairs(suspect, base, way.pairs);
      found = isWrittenAlike(pair, writers, [suspect, base], way.isChosen === true);
      found ||= !isPresumedPair(pair) && isWrittenUnseen(pair, suspect, base);
      known.set(key, found);
    }
    return found;
  };
  const foreign = new Set(read.filter((pair) => !isWritten(pair)));
  if (foreign.size === 0 && !read.some(isPresumedPair)) return way;
  const pairs = way.pairs.flatMap((pair) => {
    if (foreign.has(pair)) return [];
    return isPresumedPair(pair) ? [{ ...pair, isAlike: true as const }] : [pair];
  });
  return { ...way, pairs };
}

/** Whether shapes alone say that what writes so wide an output is what its columns come from. */
function isPresumed({ axis, given }: Sketch): boolean {
  return axis === "channels" && given;
}

function isPresumedPair({ suspect, base, isEqual }: MatrixPair): boolean {
  return isEqual !== true && (isPresumed(suspect) || isPresumed(base));
}

function readsUnits(pair: MatrixPair): boolean {
  return pair.isEqual !== true && axisOf(pair) === "channels";
}

/**
 * Whether some pair of matrices that may write these units agrees row by row. Beside a trunk that is equal bit for bit, frozen
 * in both, heads agree as far as they were fitted to the same.
 */
function isWrittenAlike(
  read: MatrixPair,
  writers: readonly MatrixPair[],
  [one, other]: readonly [Fingerprint, Fingerprint],
  isChosen: boolean,
): boolean {
  const { suspect, base } = read;
  const isFrozen = (pair: MatrixPair): boolean => pair.suspect.digest.f32 === pair.base.digest.f32;
  return writers.some(
    (pair) =>
      mayWrite({ fingerprint: one, sketch: pair.suspect }, suspect.cols) &&
      mayWrite({ fingerprint: other, sketch: pair.base }, base.cols) &&
      !(isPresumedPair(read) && isFrozen(pair)) &&
      rowsAgree(pair, isChosen),
  );
}

/** Whether neither file shows what may write them: several outputs side by side, or matrices too narrow to be sketched. */
function isWrittenUnseen(pair: MatrixPair, suspect: Fingerprint, base: Fingerprint): boolean {
  const shows = (fingerprint: Fingerprint, { cols }: Sketch): boolean =>
    fingerprint.sketches.some((sketch) => mayWrite({ fingerprint, sketch }, cols));
  return !shows(suspect, pair.suspect) && !shows(base, pair.base);
}

/** Places of a kernel, that is no 1 x 1, in one and two dimensions. */
const PLACES: ReadonlySet<number> = new Set([3, 5, 7, 9, 25, 49]);

/**
 * Whether rows are outputs of such a width: one each, or gates of a cell or places of a kernel for each. Linears, and kernels
 * of one place, that read the same width as well may be lenses on a public stream, or its heads, and so may those that lie
 * side by side: they show nothing of who writes it.
 */
function mayWrite({ fingerprint, sketch }: Placed, width: number): boolean {
  const { tokens, twin, rows, cols, role } = sketch;
  // Bases of mathematics, as a principal component analysis gives, are the same wherever they are calculated.
  if (tokens || twin || isPresumed(sketch) || hasOneNorm(sketch) || rows % width !== 0) return false;
  if (role === "conv" && PLACES.has(rows / width)) return true;
  return (rows === width && cols !== width) || cellStates(fingerprint).get(stateKey(sketch)) === width;
}

interface Placed {
  readonly fingerprint: Fingerprint;
  readonly sketch: Sketch;
}

const GATES = [3, 4] as const;
const states = new WeakMap<Fingerprint, ReadonlyMap<string, number>>();

/** Widths of the states of recurrent cells, whose two matrices have three or four gates for each: one reads the state itself. */
function cellStates(fingerprint: Fingerprint): ReadonlyMap<string, number> {
  const known = states.get(fingerprint);
  if (known !== undefined) return known;
  const alike = new Map<string, Sketch[]>();
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

function stateKey({ component, rows }: Sketch): string {
  return `${component}/${rows}`;
}

/** The matrices that are laid over one another, and of other parts those of one place. */
function writingPairs(suspect: Fingerprint, base: Fingerprint, laid: readonly MatrixPair[]): readonly MatrixPair[] {
  const places = new Map<string, Sketch[]>();
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

function placeOf({ component, layer, expert, role, rows, cols, twin }: Sketch): string {
  return `${component}/${layer}/${expert}/${role}/${rows}x${cols}/${twin}`;
}
