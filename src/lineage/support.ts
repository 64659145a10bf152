import { stouffer } from "../numerics/combine.ts";
import { axisOf, type MatrixPair, pairStack, residualPairs } from "./matrix-pair.ts";
import { permutationZ } from "./permutation-test.ts";
import type { SignStack } from "./sign-stack.ts";
import { turnedTest } from "./turned-test.ts";

/** Standard deviations from which a layer speaks for a common origin. */
const TELLING_SIGMA = 4;
/** And from which a matrix does that was laid over the one that it resembles most: the best of many is large by itself. */
const CHOSEN_SIGMA = 6;
/** How many of the layers must, and how many at least. */
const SHARE = 0.1;
const AT_LEAST = 2;
/** Share of the layers that must agree for it to be said of the whole. */
const WHOLE = 0.9;
/** The same of all matrices, where content chose: names that lie keep some from being held against anything. */
const WHOLE_CHOSEN = 0.6;
/**
 * Share of the matrices that were laid over one another, and standard deviations that each must show: a layer agrees already
 * if one of its matrices does. Names may keep some matrices from being laid over any, but not most.
 */
const MOST_MATRICES = 0.8;
const MOST_PAIRED = 0.5;
const MATRIX_SIGMA = 3;

/** Which of a component's layers agree. */
export interface Support {
  readonly of: "layers" | "matrices";
  readonly agreeing: number;
  readonly tested: number;
  /** Standard deviations of each layer of the base, where there are several. */
  readonly sigmas: ReadonlyMap<number, number>;
  /** All pairs of the layers that agree, or the matrices that do. */
  readonly pairs: readonly MatrixPair[];
  /** Whether they are enough for a verdict on the component: one tensor that agrees makes no relative. */
  readonly enough: boolean;
  /** Matrices that agree by themselves, of all that the smaller side has. */
  readonly agreeingMatrices: number;
  readonly matrices: number;
  /** Whether nearly all layers, and most matrices, agree. */
  readonly whole: boolean;
}

/** How the pairs came about, and of how much they are a part. */
export interface SupportOptions {
  /** Whether content, and no name, laid each matrix over its partner. */
  readonly isChosen: boolean;
  /** Layers of the shallower stack, and matrices of the smaller model: what matches nothing counts as well. */
  readonly depth: number;
  readonly matrices: number;
}

/**
 * Layer by layer, each judged by itself; matrix by matrix where there is but one layer, or where matrices were chosen by
 * their content: then those that agree must still lie in several layers.
 */
export function supportOf(pairs: readonly MatrixPair[], { isChosen, depth, matrices }: SupportOptions): Support {
  const groups = new Map<string, MatrixPair[]>();
  const testable = pairs.filter((pair) => axisOf(pair) !== null);
  const isLayered = !isChosen && (depth > 1 || new Set(testable.map(({ base }) => base.layer)).size > 1);
  testable.forEach((pair, i) => {
    const key = isLayered && pair.base.layer >= 0 ? `${pair.base.component}/${pair.base.layer}` : `matrix ${i}`;
    const list = groups.get(key);
    if (list) list.push(pair);
    else groups.set(key, [pair]);
  });
  const sigmas = new Map<number, number>();
  const agreeing: MatrixPair[][] = [];
  let judged = 0;
  for (const list of groups.values()) {
    const sigma = sigmaOf(list);
    if (sigma === null) continue;
    judged += 1;
    if (isLayered) sigmas.set(list[0]!.base.layer, sigma);
    if (sigma >= (isChosen ? CHOSEN_SIGMA : TELLING_SIGMA)) agreeing.push(list);
  }
  const tested = Math.max(judged, isLayered ? depth : isChosen ? matrices : 0);
  const needed = (of: number): number => Math.max(AT_LEAST, Math.ceil(SHARE * of));
  const isSpread = !isChosen || depth < AT_LEAST || layersOf(agreeing.flat()) >= needed(depth);
  const layers = new Set(agreeing.flat().map(({ base }) => base.layer));
  const alone = testable.filter((pair) => (sigmaOf([pair]) ?? 0) >= MATRIX_SIGMA).length;
  const most = isChosen
    ? alone >= WHOLE_CHOSEN * matrices
    : alone >= MOST_MATRICES * testable.length && testable.length >= MOST_PAIRED * matrices;
  return {
    of: isLayered ? "layers" : "matrices",
    agreeing: agreeing.length,
    pairs: isLayered ? pairs.filter(({ base }) => layers.has(base.layer)) : agreeing.flat(),
    tested,
    sigmas,
    enough: agreeing.length >= needed(tested) && isSpread,
    agreeingMatrices: alone,
    matrices: Math.max(matrices, testable.length),
    whole: agreeing.length >= (isChosen ? WHOLE_CHOSEN : WHOLE) * tested && most,
  };
}

/** In how many layers pairs lie, on the side where it is fewer. */
function layersOf(pairs: readonly MatrixPair[]): number {
  const sides = (["suspect", "base"] as const).map(
    (side) => new Set(pairs.map((pair) => `${pair[side].component}/${pair[side].layer}`)).size,
  );
  return Math.min(...sides);
}

/** |z| of T1 over the axes of a layer, or of exchanges where rows or labels were turned. */
function sigmaOf(pairs: readonly MatrixPair[]): number | null {
  const residual = residualPairs(pairs);
  const axes = [residual, ...pairs.filter((pair) => axisOf(pair) !== "residual").map((pair) => [pair])];
  const stacks = axes.flatMap(stackOf);
  const z = stacks.flatMap((stack) => permutationZ(stack)?.z ?? []);
  if (z.length === 0) return null;
  const plain = Math.abs(stouffer(z));
  if (plain >= TELLING_SIGMA) return plain;
  const turned = turnedTest(stacks);
  // A tail in standard deviations, about: narrow layers have too few exchanges to reach far, but not too few labels.
  const inPlace = Math.sqrt(-2 * Math.LN10 * (turned?.t2?.log10P ?? 0));
  return Math.max(plain, turned?.swap?.z ?? 0, inPlace);
}

function stackOf(pairs: readonly MatrixPair[]): SignStack[] {
  const stack = pairStack(pairs);
  return stack === null ? [] : [stack];
}
