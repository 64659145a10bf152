import { popcount32 } from "../kernels/bits.ts";
import { permutation } from "../numerics/prng.ts";
import { log10RademacherTail } from "../numerics/rademacher.ts";
import { labelColumns, type SignStack } from "./sign-stack.ts";

/** T1's exact companion: a Rademacher sum over label pairs. */
export interface SwapTest {
  /** sum D / |D|, the sum of fair signs in units of its standard deviation. */
  readonly z: number;
  readonly log10P: number;
  /** Pairs with D != 0. */
  readonly pairs: number;
}

/**
 * Labels are paired by a fixed pseudo-random matching. For a pair (i, j),
 * D = sum over rows of (a_i - a_j)(b_i - b_j): by how much T would fall if B's labels i and j were exchanged. When
 * B's labels are exchangeable each exchange is a fair coin, so given |D| the signs of all D are independent and fair, and
 * P(|sum D| >= z |D|) <= 2 exp(-z^2 / 2) holds at every size. Stacks are axes whose labels are exchangeable separately
 * (one layer's neurons each); their pairs are pooled.
 */
export function swapTest(stacks: readonly SignStack[]): SwapTest | null {
  let sum = 0;
  let squares = 0;
  let pairs = 0;
  for (const stack of stacks) {
    const a = labelColumns(stack.a, stack);
    const b = labelColumns(stack.b, stack);
    const order = permutation(stack.n, "weightmark label pairs");
    for (let k = 0; k + 1 < order.length; k += 2) {
      const d = exchange(a.columns, b.columns, order[k]! * a.words, order[k + 1]! * a.words, a.words);
      if (d === 0) continue;
      sum += d;
      squares += d * d;
      pairs++;
    }
  }
  if (pairs === 0) return null;
  const z = sum / Math.sqrt(squares);
  return { z, log10P: log10RademacherTail(z), pairs };
}

/** sum (a_i - a_j)(b_i - b_j) / 4 on packed signs: rows where both pairs differ, counted by whether they agree. */
function exchange(a: Uint32Array, b: Uint32Array, i: number, j: number, words: number): number {
  let difference = 0;
  for (let w = 0; w < words; w++) {
    const both = (a[i + w]! ^ a[j + w]!) & (b[i + w]! ^ b[j + w]!);
    const opposed = both & (a[i + w]! ^ b[i + w]!);
    difference += popcount32(both) - 2 * popcount32(opposed);
  }
  return difference;
}
