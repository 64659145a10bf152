import type { MatrixSketch } from "../fingerprint/fingerprint.ts";
import type { Pairing } from "./pairing.ts";
import type { Stack } from "./stack.ts";

export type Side = "suspect" | "base";

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
    const left = new Map<string, number>();
    for (const sketch of inLayer(other, theirs)) {
      if (!partners.has(sketch)) left.set(shapeOf(sketch), (left.get(shapeOf(sketch)) ?? 0) + 1);
    }
    let size = 0;
    for (const sketch of inLayer(own, mine)) {
      const count = left.get(shapeOf(sketch)) ?? 0;
      if (!paired.has(sketch) && count === 0) continue;
      if (!paired.has(sketch)) left.set(shapeOf(sketch), count - 1);
      size += sketch.rows * sketch.cols;
    }
    found.set(mine, Math.max(found.get(mine) ?? 0, size));
  }
  return found;
}

function inLayer({ sketches }: Stack, layer: number): readonly MatrixSketch[] {
  return sketches.filter((sketch) => (layer < 0 ? sketch.layer < 0 : sketch.layer === layer));
}

function shapeOf({ rows, cols }: MatrixSketch): string {
  return `${Math.min(rows, cols)}x${Math.max(rows, cols)}`;
}
