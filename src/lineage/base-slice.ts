import type { Slice } from "../fingerprint/fingerprint.ts";
import { sliceValues } from "../fingerprint/slice.ts";
import type { ThinSvd } from "../numerics/svd.ts";
import { learnedStructure } from "./learned-structure.ts";

/** What is computed of a base's slice whatever the suspect: some 70 kB for as long as the slice itself is kept. */
interface BaseSlice {
  structure?: number;
  /** With the gain folded in, and without. */
  folded?: ThinSvd;
  plain?: ThinSvd;
}

const known = new WeakMap<Slice, BaseSlice>();

function knownOf(slice: Slice): BaseSlice {
  let found = known.get(slice);
  if (found === undefined) {
    found = {};
    known.set(slice, found);
  }
  return found;
}

/** Leading singular triples of a base's slice, computed once. */
export function leadingTriples(slice: Slice, folded: boolean, compute: () => ThinSvd): ThinSvd {
  const side = knownOf(slice);
  const kind = folded ? "folded" : "plain";
  side[kind] ??= compute();
  return side[kind];
}

/** `learnedStructure` of a base's slice before folding, computed once. */
export function structureOf(slice: Slice): number {
  const side = knownOf(slice);
  side.structure ??= learnedStructure(sliceValues(slice, false), slice.height, slice.width);
  return side.structure;
}
