import { popcount32 } from "../kernels/bits.ts";
import { exchangeSum, log10RademacherTail } from "../numerics/rademacher.ts";
import { labelColumns, type SignStack } from "./sign-stack.ts";

/** T1's exact companion: a Rademacher sum over label pairs. */
export interface SwapTest {
  /** sum D / |D|, the sum of fair signs in units of its standard deviation. */
  readonly z: number;
  readonly log10P: number;
  /** The smallest log10 p that so many exchanges can give: all of one size, and to the same side. */
  readonly reach: number;
  /** Pairs with D != 0. */
  readonly pairs: number;
}

/** An axis: its rows, and how many of them in turn belong to one matrix. */
export interface SwapAxis {
  readonly stack: SignStack;
  readonly blocks: readonly number[];
}

/**
 * Neighbouring labels (2 k, 2 k + 1) make a pair (i, j); D = sum over rows of (a_i - a_j)(b_i - b_j), label columns centred
 * over the rows of each matrix: by how much T would fall if B's labels i and j were exchanged. When B's labels are
 * exchangeable each exchange is a fair coin, so given |D| the signs of all D are independent and fair, and
 * P(|sum D| >= z |D|) <= 2 exp(-z^2 / 2) holds at every size.
 *
 * Only neighbours are exchanged: whatever orders labels at large (blocks that were concatenated, heads, a sorting) puts
 * neighbours next to each other in both models, and exchanging them stays fair.
 *
 * Centring costs 1 / rows of the evidence and keeps out what a label has in common over all rows: a channel that acts as a
 * bias does so at the same place in every model whose channels have an order of their own (positions that are added but
 * not stored), and says nothing about whose rows these are. Axes are one layer's neurons each; the D of one pair are
 * summed over axes of equal length, which holds both for layers whose labels are independent and for one layer stored
 * several times.
 */
export function swapTest(axes: readonly SwapAxis[]): SwapTest | null {
  const lengths = new Map<number, Float64Array>();
  for (const { stack, blocks } of axes) {
    const a = labelColumns(stack.a, stack);
    const b = labelColumns(stack.b, stack);
    const exchanges = lengths.get(stack.n) ?? new Float64Array(stack.n >> 1);
    lengths.set(stack.n, exchanges);
    for (let k = 0; k < exchanges.length; k++) {
      exchanges[k]! += exchange(a.columns, b.columns, 2 * k * a.words, (2 * k + 1) * a.words, blocks);
    }
  }
  return swapOf([...lengths.values()]);
}

/** The test on exchanges that are at hand. */
export function swapOf(lists: readonly Float64Array[]): SwapTest | null {
  const found = exchangeSum(lists);
  if (found === null) return null;
  const { z, pairs } = found;
  return { z, log10P: log10RademacherTail(z), reach: log10RademacherTail(Math.sqrt(pairs)), pairs };
}

/**
 * sum (a_i - a_j)(b_i - b_j) / 4 on packed signs, centred over the rows of each block: rows where both pairs differ,
 * counted by whether they agree, less the product of the differences in the number of ones over the block's height.
 */
function exchange(a: Uint32Array, b: Uint32Array, i: number, j: number, blocks: readonly number[]): number {
  let difference = 0;
  let first = 0;
  for (const height of blocks) {
    // A matrix without a usable row.
    if (height === 0) continue;
    let agreement = 0;
    let onesA = 0;
    let onesB = 0;
    for (let row = first; row < first + height; ) {
      const w = row >>> 5;
      const end = Math.min(first + height, (w + 1) << 5);
      const mask = end - row === 32 ? 0xffffffff : ((1 << (end - row)) - 1) << (row & 31);
      const [ai, aj, bi, bj] = [a[i + w]! & mask, a[j + w]! & mask, b[i + w]! & mask, b[j + w]! & mask];
      const both = (ai ^ aj) & (bi ^ bj);
      agreement += popcount32(both) - 2 * popcount32(both & (ai ^ bi));
      onesA += popcount32(ai) - popcount32(aj);
      onesB += popcount32(bi) - popcount32(bj);
      row = end;
    }
    difference += agreement - (onesA * onesB) / height;
    first += height;
  }
  return difference;
}
