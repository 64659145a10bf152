import type { Axis } from "../anatomy/anatomy.ts";
import type { MatrixSketch } from "../fingerprint/fingerprint.ts";
import type { RowPair, SignStack } from "./sign-stack.ts";

/** Labels compared at most, as many as bits are transposed of at once; wider models are compared on their first ones. */
const MAX_LABELS = 65_536;

/** Rows of one axis at most: products of all pairs of rows are held. A hostile fingerprint could offer two million. */
const MAX_ROWS = 4096;

/** A matrix of the suspect against the matrix of the base that it is taken to come from. */
export interface MatrixPair {
  readonly suspect: MatrixSketch;
  readonly base: MatrixSketch;
  /** The two are equal, so that it does not matter what their columns count. */
  readonly isEqual?: true;
  /** Its columns are units that both models write alike, whatever may be given to one of them (see written-alike.ts). */
  readonly isAlike?: true;
}

export type { Axis };

/**
 * What the columns of a pair stand for, or null for labels that are not exchangeable. The two sides have equal say: where
 * one does not know its role it takes the other's word, and where they contradict each other nothing is tested.
 */
export function axisOf({ suspect, base, isEqual }: MatrixPair): Axis | null {
  if (isEqual === true) return "channels";
  if (suspect.axis === base.axis) return base.axis;
  const open = [suspect, base].filter((s) => s.role === "unknown");
  if (open.length === 1) return suspect.role === "unknown" ? base.axis : suspect.axis;
  return open.length === 2 && suspect.axis !== null && base.axis !== null ? "channels" : null;
}

/** Columns are exchangeable within aligned runs of so many, in both models. */
export function blockOf({ suspect, base, isEqual }: MatrixPair): number {
  return isEqual === true ? base.cols : Math.min(suspect.block, base.block);
}

/** Rows sampled at the same relative position in both (the same token, for embeddings) and usable in both. */
export function rowPairs(pair: MatrixPair): RowPair[] {
  const { suspect, base } = pair;
  const wordsA = Math.ceil(base.cols / 32);
  const wordsB = Math.ceil(suspect.cols / 32);
  const positions = rowPositions(pair);
  return Array.from({ length: positions.length / 2 }, (_, k) => {
    const [i, j] = [positions[2 * k]!, positions[2 * k + 1]!];
    return {
      a: base.bits.subarray(i * wordsA, (i + 1) * wordsA),
      b: suspect.bits.subarray(j * wordsB, (j + 1) * wordsB),
    };
  });
}

/** How many `rowPairs` there are. */
export function rowCount(pair: MatrixPair): number {
  return rowPositions(pair).length / 2;
}

/** Which sampled row of the base stands against which of the suspect: two numbers for each pair of rows. */
function rowPositions({ suspect, base }: MatrixPair): Uint32Array {
  const rows = new Uint32Array(2 * base.sampled.length);
  const byRow = base.tokens || suspect.tokens || suspect.rows === base.rows;
  const position = byRow && !sameRows(suspect, base) ? new Map(suspect.sampled.map((row, i) => [row, i])) : null;
  let count = 0;
  for (let i = 0; i < base.sampled.length; i++) {
    const j = position === null ? i : position.get(base.sampled[i]!);
    if (j === undefined || j >= suspect.sampled.length || !base.valid[i] || !suspect.valid[j]) continue;
    rows[count++] = i;
    rows[count++] = j;
  }
  return rows.subarray(0, count);
}

/**
 * The stack of all `rowPairs` of several pairs, cut to the labels that all of them have; null where there is no row. Word by
 * word: stacks are built for every pair of layers, and a view of every row costs more than its words.
 */
export function pairStack(pairs: readonly MatrixPair[]): SignStack | null {
  const positions = pairs.map(rowPositions);
  const m = positions.reduce((sum, list) => sum + list.length / 2, 0);
  if (m === 0) return null;
  const n = sharedLabels(pairs);
  const words = Math.ceil(n / 32);
  const tail = n % 32 === 0 ? 0xffffffff : (1 << (n % 32)) - 1;
  const a = new Uint32Array(m * words);
  const b = new Uint32Array(m * words);
  let to = 0;
  pairs.forEach(({ suspect, base }, k) => {
    const wordsA = Math.ceil(base.cols / 32);
    const wordsB = Math.ceil(suspect.cols / 32);
    const [left, right] = [base.bits, suspect.bits];
    const rows = positions[k]!;
    for (let r = 0; r < rows.length; r += 2) {
      const [fromA, fromB] = [rows[r]! * wordsA, rows[r + 1]! * wordsB];
      for (let w = 0; w < words; w++) {
        a[to + w] = left[fromA + w]!;
        b[to + w] = right[fromB + w]!;
      }
      to += words;
      a[to - 1]! &= tail;
      b[to - 1]! &= tail;
    }
  });
  return { m, n, words, a, b };
}

function sameRows({ sampled: a }: MatrixSketch, { sampled: b }: MatrixSketch): boolean {
  return a.length === b.length && a.every((row, i) => row === b[i]);
}

/**
 * Pairs whose columns are residual dimensions. A matrix that reads something narrower (a projection, another stack's
 * width) has labels of its own: the most common pair of widths is the residual stream, the others are left out. Where
 * they offer more rows than can be held, matrices are taken evenly over all of them.
 */
export function residualPairs(pairs: readonly MatrixPair[]): MatrixPair[] {
  const widths = new Map<string, MatrixPair[]>();
  for (const pair of pairs) {
    if (axisOf(pair) !== "residual") continue;
    const key = `${pair.base.cols}/${pair.suspect.cols}`;
    const list = widths.get(key);
    if (list) list.push(pair);
    else widths.set(key, [pair]);
  }
  return thinned([...widths.values()].reduce<MatrixPair[]>((a, b) => (b.length > a.length ? b : a), []));
}

function thinned(pairs: readonly MatrixPair[]): MatrixPair[] {
  const rows = ({ suspect, base }: MatrixPair): number => Math.min(suspect.sampled.length, base.sampled.length);
  const total = pairs.reduce((n, pair) => n + rows(pair), 0);
  let seen = 0;
  let taken = 0;
  return pairs.filter((pair) => {
    seen += rows(pair);
    if (taken + rows(pair) > (MAX_ROWS * seen) / total) return false;
    taken += rows(pair);
    return true;
  });
}

/** Labels both matrices have, up to a limit. */
export function sharedLabels(pairs: readonly MatrixPair[]): number {
  return pairs.reduce((n, p) => Math.min(n, p.suspect.cols, p.base.cols), MAX_LABELS);
}
