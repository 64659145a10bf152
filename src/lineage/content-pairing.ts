import type { Fingerprint, MatrixSketch } from "../fingerprint/fingerprint.ts";
import { matchByContent } from "./content-match.ts";
import type { Pairing } from "./pairing.ts";
import { EMBEDDINGS } from "./result.ts";

/** One pairing of all matrices by content alone, whatever their names say; but for those of stacks that are found already. */
export function contentPairing(
  suspect: Fingerprint,
  base: Fingerprint,
  found: readonly { readonly pairing: Pairing }[] = [],
): Pairing | null {
  const all = withTwins(suspect, base);
  const isLeft = (name: (pairing: Pairing) => string) => {
    const known = new Set(found.map(({ pairing }) => name(pairing)));
    return ({ component }: MatrixSketch): boolean => !known.has(component);
  };
  const left = all.left.filter(isLeft(({ suspectComponent }) => suspectComponent));
  const right = all.right.filter(isLeft(({ component }) => component));
  const { pairs, log10Tried, leftOut } = matchByContent(left, right);
  if (pairs.length === 0 && leftOut === 0) return null;
  return { ...mainNames(left, right), pairs, layers: [], log10Tried, isChosen: true, leftOut };
}

/** Twins (matrices laid the other way) of one side only: with both, one pair of tensors would be two of matrices. */
function withTwins(suspect: Fingerprint, base: Fingerprint): { left: MatrixSketch[]; right: MatrixSketch[] } {
  const bodies = (fp: Fingerprint, twins: boolean): MatrixSketch[] =>
    fp.sketches.filter((s) => !s.tokens && (twins || !s.twin));
  const suspectHas = suspect.sketches.some((s) => s.twin);
  return { left: bodies(suspect, suspectHas), right: bodies(base, !suspectHas) };
}

/** The largest stack of either side stands for the pairing until it is known what agrees. */
function mainNames(
  left: readonly MatrixSketch[],
  right: readonly MatrixSketch[],
): Pick<Pairing, "component" | "suspectComponent"> {
  return { component: largest(right), suspectComponent: largest(left) };
}

function largest(sketches: readonly MatrixSketch[]): string {
  const sizes = new Map<string, number>();
  const bodies = sketches.filter(({ component, twin }) => component !== EMBEDDINGS && !twin);
  for (const { component, rows, cols } of bodies.length > 0 ? bodies : sketches) {
    sizes.set(component, (sizes.get(component) ?? 0) + rows * cols);
  }
  return [...sizes].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]![0];
}
