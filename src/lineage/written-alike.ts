import type { Fingerprint, MatrixSketch } from "../fingerprint/fingerprint.ts";
import { axisOf, type MatrixPair } from "./matrix-pair.ts";
import type { Pairing } from "./pairing.ts";
import { rowsAgree } from "./row-agreement.ts";
import { isPresumed, mayWrite, writingPairs } from "./unit-writers.ts";

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
  const shows = (fingerprint: Fingerprint, { cols }: MatrixSketch): boolean =>
    fingerprint.sketches.some((sketch) => mayWrite({ fingerprint, sketch }, cols));
  return !shows(suspect, pair.suspect) && !shows(base, pair.base);
}
