import { buildStack, type SignStack } from "../../src/lineage/sign-stack.ts";
import { prng } from "../../src/numerics/prng.ts";

/** Packs rows of +-1, bit 1 for -1. */
export function packRow(signs: readonly number[]): Uint32Array {
  const words = new Uint32Array(Math.ceil(signs.length / 32));
  signs.forEach((x, j) => {
    if (x < 0) words[j >> 5]! |= 1 << (j & 31);
  });
  return words;
}

export function stackOf(a: readonly number[][], b: readonly number[][]): SignStack {
  return buildStack(
    a.map((row, i) => ({ a: packRow(row), b: packRow(b[i]!) })),
    a[0]?.length ?? 0,
  );
}

export interface StackOptions {
  /** Probability that a sign of B is copied from A. @default 0 (independent) */
  readonly agreement?: number;
  /** The first row stands this many times. @default 1 */
  readonly repeat?: number;
  /** Size of a factor common to all rows of one side, drawn for each side alone. @default 0 */
  readonly factor?: number;
}

/** m random rows of n signs on both sides. */
export function randomStack(seed: number, m: number, n: number, options: StackOptions = {}): SignStack {
  const { agreement = 0, repeat = 1, factor = 0 } = options;
  const random = prng(`stack ${seed}`);
  const side = (): number[][] => {
    const common = Array.from({ length: n }, () => factor * random.normal());
    return Array.from({ length: m }, () => common.map((x) => (x + random.normal() < 0 ? -1 : 1)));
  };
  const a = side();
  const b = side().map((row, i) => row.map((x, j) => (random.float() < agreement ? a[i]![j]! : x)));
  for (let i = 1; i < repeat; i++) [a[i], b[i]] = [a[0]!, b[0]!];
  return stackOf(a, b);
}

/** Packed rows as +-1. */
export function signsOf(bits: Uint32Array, { m, n, words }: SignStack): number[][] {
  return Array.from({ length: m }, (_, i) =>
    Array.from({ length: n }, (_, j) => ((bits[i * words + (j >> 5)]! >>> (j & 31)) & 1 ? -1 : 1)),
  );
}

/** Rows with their means subtracted. */
export function centredRows(rows: readonly number[][]): number[][] {
  return rows.map((row) => {
    const mean = row.reduce((a, b) => a + b, 0) / row.length;
    return row.map((x) => x - mean);
  });
}
