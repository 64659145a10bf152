import type { MatrixSketch } from "../fingerprint/fingerprint.ts";
import type { Pairing } from "./pairing.ts";
import type { Stack } from "./stack.ts";

export type Side = "suspect" | "base";

/** Share of a model, or of one of its stacks, by the size of its matrices, that is nearly all of it. */
export const NEARLY_ALL = 0.8;

/**
 * How much of each layer of a stack a pairing lays over a layer of the other one, in elements, by the number of the layer (-1 for
 * what lies outside of layers). Matrices that names keep from being paired count where as many of their shape are left in the
 * other layer: renamed ones are there all the same, experts that stand where one network stood are not.
 */
export function laidOver(
  { pairs, layers }: Pairing,
  side: Side,
  own: Stack,
  other: Stack,
): ReadonlyMap<number, number> {
  const back = side === "base" ? "suspect" : "base";
  const paired = new Set(pairs.map((pair) => pair[side]));
  const partners = new Set(pairs.map((pair) => pair[back]));
  const found = new Map<number, number>();
  for (const hit of [...layers.map((pair) => [pair[side], pair[back]] as const), [-1, -1] as const]) {
    const [mine, theirs] = hit;
    const [here, there] = [inLayer(own, mine), inLayer(other, theirs)];
    const [left, leftThere] = [countShapes(here, paired), countShapes(there, partners)];
    const isThere = (sketch: MatrixSketch): boolean =>
      paired.has(sketch) || left.get(shapeOf(sketch)) === leftThere.get(shapeOf(sketch));
    const size = here.filter(isThere).reduce((sum, { rows, cols }) => sum + rows * cols, 0);
    found.set(mine, Math.max(found.get(mine) ?? 0, size));
  }
  return found;
}

function inLayer({ sketches }: Stack, layer: number): readonly MatrixSketch[] {
  return sketches.filter((sketch) => (layer < 0 ? sketch.layer < 0 : sketch.layer === layer));
}

/** How many matrices of each shape have no partner. */
function countShapes(sketches: readonly MatrixSketch[], paired: ReadonlySet<MatrixSketch>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const sketch of sketches) {
    if (!paired.has(sketch)) counts.set(shapeOf(sketch), (counts.get(shapeOf(sketch)) ?? 0) + 1);
  }
  return counts;
}

function shapeOf({ rows, cols }: MatrixSketch): string {
  return `${Math.min(rows, cols)}x${Math.max(rows, cols)}`;
}
