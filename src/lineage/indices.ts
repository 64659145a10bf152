import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { holdsIndices } from "../formats/dtype-kind.ts";

/** Whole numbers or flags beyond this share of a model's values are codes of weights, or a mask over them. */
const MOST_INDICES = 0.01;

/**
 * How many tensors of indices only one side stores: libraries make those anew, or leave them out. Null where indices tell the
 * models apart: other ones of one shape, and what may be codes or a mask of weights, by its shape or its size.
 */
export function indicesOfOneSide(suspect: Fingerprint, base: Fingerprint): number | null {
  const [left, right] = [indicesByShape(suspect), indicesByShape(base)];
  const weights = new Set([suspect, base].flatMap(weightShapes));
  const values = Math.min(...[suspect, base].map(weightCount));
  let count = 0;
  for (const [mine, theirs] of [
    [left, right],
    [right, left],
  ] as const) {
    for (const [shape, digests] of mine) {
      const others = theirs.get(shape);
      if (others !== undefined) {
        if (!areSame(digests, others)) return null;
        continue;
      }
      const elements = shape.split("x").reduce((product, extent) => product * Number(extent), digests.length);
      if (weights.has(shape) || elements > MOST_INDICES * values) return null;
      count += digests.length;
    }
  }
  return count;
}

/** Digests of the indices and masks of each shape, but for plain counts and constants. */
function indicesByShape({ tensors }: Fingerprint): Map<string, string[]> {
  const shapes = new Map<string, string[]>();
  for (const { dtype, shape, values, uniform } of tensors) {
    if (values === null || uniform || !holdsIndices(dtype)) continue;
    const key = shape.join("x");
    const known = shapes.get(key);
    if (known === undefined) shapes.set(key, [values.f32]);
    else known.push(values.f32);
  }
  return shapes;
}

/** As many of each, or, where one side stores more of them, the same kinds: every layer may have one, or all share it. */
function areSame(mine: readonly string[], theirs: readonly string[]): boolean {
  const kinds = (digests: readonly string[]) => [...(mine.length === theirs.length ? digests : new Set(digests))];
  return kinds(mine).sort().join() === kinds(theirs).sort().join();
}

function weightShapes({ tensors }: Fingerprint): string[] {
  return tensors.flatMap(({ dtype, shape }) => (shape.length < 2 || holdsIndices(dtype) ? [] : [shape.join("x")]));
}

function weightCount({ tensors }: Fingerprint): number {
  const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
  return tensors.reduce((sum, { dtype, shape }) => sum + (holdsIndices(dtype) ? 0 : size(shape)), 0);
}
