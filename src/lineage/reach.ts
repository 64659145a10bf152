import { log10NormalTail } from "../numerics/normal.ts";
import { type Axis, axisOf, rowPairs, sharedLabels } from "./matrix-pair.ts";
import type { Pairing } from "./pairing.ts";
import { buildStack, stackInner } from "./sign-stack.ts";

/**
 * log10 p that a pairing would have if all its signs were independent, corrected for the pairings it was chosen from. What
 * weights have in common besides labels widens the null distribution, so a pairing that falls short even here need not be
 * tested: a fifth of a second saved for every unrelated base.
 */
export function log10Reach({ pairs, log10Tried }: Pairing): number {
  const axes: readonly Axis[] = ["residual", "neurons"];
  const tails = axes.map((axis) => {
    const along = pairs.filter((p) => axisOf(p.base) === axis);
    const rows = along.flatMap(rowPairs);
    if (rows.length === 0) return 0;
    const stack = buildStack(rows, sharedLabels(along));
    return log10NormalTail(stackInner(stack).centred / Math.sqrt(stack.m * stack.n));
  });
  return Math.min(0, ...tails) + log10Tried;
}
