import { fixedPoints } from "./fixed-points.ts";
import { blockOf, type MatrixPair, pairStack, sharedLabels } from "./matrix-pair.ts";
import { rememberedByPair } from "./pair-memo.ts";
import type { SignStack } from "./sign-stack.ts";
import { swapTest } from "./swap-test.ts";
import { turnedTest } from "./turned-test.ts";

/** Exact tests tried on one matrix: T2, exchanges, and both where signs were turned. */
const TESTS = 4;
/** Matrices that must agree at least, and as a share of those that could. */
const MIN_AGREEING = 2;
const AGREEING_SHARE = 0.25;

/** Each matrix tested by itself, and what many of them say together. */
export interface MatrixAgreement {
  /** Matrices that could be tested. */
  readonly tested: number;
  /** How many of them must agree for the combined p. */
  readonly needed: number;
  readonly log10P: number;
  /** The smallest combined log10 p that was possible. */
  readonly reach: number;
}

/**
 * Matrices whose columns are hidden units of some layer, each with labels of its own or shared with others in a way that
 * nobody told: convolutions, MLPs, unknown names. Every matrix gets an exact p of its own; together they get the k-th
 * smallest p times m / k (Rueger 1978), which holds however the m tests depend on each other, with k a quarter of them and
 * at least two, so that no single tensor decides.
 *
 * @param stacks of each pair alone, where they are at hand: what is known of their labels is not computed again
 */
export function matrixAgreement(
  pairs: readonly MatrixPair[],
  log10Candidates: number,
  stacks?: readonly SignStack[],
): MatrixAgreement | null {
  const found = pairs.flatMap((pair, i) => {
    const tails = matrixTails(pair, stacks?.[i]);
    return tails === null ? [] : [tails];
  });
  if (found.length < MIN_AGREEING) return null;
  const needed = Math.max(MIN_AGREEING, Math.ceil(found.length * AGREEING_SHARE));
  const combined = (tails: number[]): number =>
    Math.min(
      0,
      tails.sort((x, y) => x - y)[needed - 1]! + Math.log10((found.length * TESTS) / needed) + log10Candidates,
    );
  return {
    tested: found.length,
    needed,
    log10P: combined(found.map(({ log10P }) => log10P)),
    reach: combined(found.map(({ reach }) => reach)),
  };
}

const matrixTails = rememberedByPair((pair, known?: SignStack): { log10P: number; reach: number } | null => {
  const labels = sharedLabels([pair]);
  if (labels < 8 || blockOf(pair) < 2) return null;
  const stack = known ?? pairStack([pair]);
  if (stack === null) return null;
  // Among labels of several kinds a nearest neighbour is no fair draw; an exchange of neighbours is.
  const whole = blockOf(pair) >= labels;
  const t2 = whole ? fixedPoints(stack) : null;
  const swap = swapTest([{ stack, blocks: [stack.m] }]);
  const plain = [t2, swap].filter((test) => test !== null);
  if (plain.length === 0) return null;
  const turned = turnedTest([stack]);
  const all = [...plain, ...(whole ? [turned?.t2 ?? null] : []), turned?.swap ?? null].filter((test) => test !== null);
  return {
    log10P: Math.min(...all.map(({ log10P }) => log10P)),
    reach: Math.min(...plain.map(({ reach }) => reach)),
  };
});
