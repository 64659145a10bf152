import type { Fingerprint, Sketch } from "../fingerprint/fingerprint.ts";
import { matchByContent } from "./content-match.ts";
import type { Pairing } from "./pairing.ts";
import { stacksOf } from "./stack.ts";

/** One pairing of all matrices by content alone, whatever their names say. */
export function contentPairing(suspect: Fingerprint, base: Fingerprint): Pairing | null {
  const { left, right } = withTwins(suspect, base);
  const { pairs, log10Tried, leftOut } = matchByContent(left, right);
  if (pairs.length === 0 && leftOut === 0) return null;
  return { ...mainNames(suspect, base, right), pairs, layers: [], log10Tried, isChosen: true, leftOut };
}

/** Twins (matrices laid the other way) of one side only: with both, one pair of tensors would be two of matrices. */
function withTwins(suspect: Fingerprint, base: Fingerprint): { left: Sketch[]; right: Sketch[] } {
  const bodies = (fp: Fingerprint, twins: boolean): Sketch[] =>
    fp.sketches.filter((s) => !s.tokens && (twins || !s.twin));
  const suspectHas = suspect.sketches.some((s) => s.twin);
  return { left: bodies(suspect, suspectHas), right: bodies(base, !suspectHas) };
}

function mainNames(
  suspect: Fingerprint,
  base: Fingerprint,
  right: readonly Sketch[],
): Pick<Pairing, "component" | "suspectComponent"> {
  return {
    component: stacksOf(base)[0]?.name ?? right[0]!.component,
    suspectComponent: stacksOf(suspect)[0]?.name ?? right[0]!.component,
  };
}
