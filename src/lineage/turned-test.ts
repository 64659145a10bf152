import { stouffer } from "../numerics/combine.ts";
import { type FixedPoints, fixedPoints } from "./fixed-points.ts";
import { labelProducts } from "./label-products.ts";
import type { SignStack } from "./sign-stack.ts";
import { type SwapTest, swapOf } from "./swap-test.ts";
import { foldedSigma, type TurnedSigns, testedLabels, turnedSigns, withTurnedRows } from "./turned-signs.ts";

/** Tested labels of one axis at most: all of their products are formed. */
const MAX_TESTED = 512;
/** Below so many standard deviations the exact tests could not say anything either. */
const TELLING_SIGMA = 4;

/** The cheap look at stacks: a matrix is tested alone, and again with all others of its axis. */
const looks = new WeakMap<SignStack, { readonly signs: TurnedSigns; readonly sigma: number }>();

export interface TurnedTest {
  /** On the first axis, where there is but one. */
  readonly t2: FixedPoints | null;
  readonly swap: SwapTest | null;
}

/**
 * The exact tests where rows, and labels, may have been turned (their signs changed, which costs a network nothing). Half
 * of the labels decide how rows are turned; the others, which that choice leaves exchangeable, are tested by the sizes of
 * their products alone. Null where a cheap look shows that nothing would come of it.
 */
export function turnedTest(axes: readonly SignStack[]): TurnedTest | null {
  const turned = axes
    .filter(({ n }) => n >= 16)
    .map((stack) => {
      let look = looks.get(stack);
      if (look === undefined) {
        const signs = turnedSigns(stack, true);
        look = { signs, sigma: foldedSigma(stack, signs) };
        looks.set(stack, look);
      }
      return { stack, ...look };
    });
  if (turned.length === 0 || stouffer(turned.map(({ sigma }) => sigma)) < TELLING_SIGMA) return null;
  const lengths = new Map<number, Float64Array>();
  const back = turned.map(({ stack, signs }) => withTurnedRows(stack, signs));
  for (const stack of back) {
    const labels = pool(stack.n);
    const products = labelProducts(stack, labels);
    const k = labels.length;
    const exchanges = lengths.get(stack.n) ?? new Float64Array(k >> 1);
    lengths.set(stack.n, exchanges);
    for (let p = 0; p < exchanges.length; p++) {
      const [i, j] = [2 * p, 2 * p + 1];
      const size = (x: number, y: number): number => Math.abs(products[x * k + y]!);
      exchanges[p]! += size(i, i) + size(j, j) - size(i, j) - size(j, i);
    }
  }
  const only = axes.length === 1 ? back[0]! : null;
  return { t2: only === null ? null : fixedPoints(only, pool(only.n)), swap: swapOf([...lengths.values()]) };
}

/** Pairs of tested neighbours, spread evenly. */
function pool(n: number): Uint32Array {
  const labels = testedLabels(n);
  const pairs = labels.length >> 1;
  const taken = Math.min(pairs, MAX_TESTED >> 1);
  return Uint32Array.from(
    { length: 2 * taken },
    (_, i) => labels[2 * Math.floor(((i >> 1) * pairs) / taken) + (i & 1)]!,
  );
}
