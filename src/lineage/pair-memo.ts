import type { MatrixSketch } from "../fingerprint/fingerprint.ts";
import type { MatrixPair } from "./matrix-pair.ts";

/**
 * What is computed of a pair of matrices, kept as long as both are: one pair is met under its name, again by its content and
 * once more when it is asked what supports a claim. Not for megabytes, since the registered ones of a scan stay for long.
 *
 * @param compute may take hints, which spare it work and change nothing
 */
export function rememberedByPair<T, Hints extends unknown[]>(
  compute: (pair: MatrixPair, ...hints: Hints) => T,
): (pair: MatrixPair, ...hints: Hints) => T {
  type Known = WeakMap<MatrixSketch, WeakMap<MatrixSketch, { readonly value: T }>>;
  const byNames: Known = new WeakMap();
  // Columns of equal matrices are taken for others than their names say.
  const byEquality: Known = new WeakMap();
  return (pair, ...hints) => {
    const known = pair.isEqual === true ? byEquality : byNames;
    let ofSuspect = known.get(pair.suspect);
    if (ofSuspect === undefined) {
      ofSuspect = new WeakMap();
      known.set(pair.suspect, ofSuspect);
    }
    let found = ofSuspect.get(pair.base);
    if (found === undefined) {
      found = { value: compute(pair, ...hints) };
      ofSuspect.set(pair.base, found);
    }
    return found.value;
  };
}
