import { hammingMatrix, popcount32 } from "../kernels/bits.ts";
import { labelColumns, type SignStack } from "./sign-stack.ts";

/** Of every four labels two decide how rows are turned and two are tested: pairs of neighbours stay together. */
const DECIDING = 0x33333333;
const ROUNDS = 6;

/** Signs that were turned to make the second model agree with the first: bit 1 = turned. */
export interface TurnedSigns {
  /** Of each row; */
  readonly rows: Uint32Array;
  /** of each label. */
  readonly labels: Uint32Array;
}

/**
 * A row's sign, or a label's, may be turned at no cost to a network, and a mark turns some. The signs s_r and c_j for
 * which sum s_r c_j a_rj b_rj over `deciding` labels is large, found by turns (a power iteration on signs). What is
 * decided from some labels leaves the others exchangeable, so a test of those alone stays exact.
 */
export function turnedSigns(stack: SignStack, decidingOnly: boolean): TurnedSigns {
  const { m, n, words, a, b } = stack;
  const mask = deciding(stack, decidingOnly);
  const left = labelColumns(a, stack);
  const right = labelColumns(b, stack);
  const rows = new Uint32Array(left.words);
  const labels = new Uint32Array(words);
  let width = 0;
  for (const word of mask) width += popcount32(word);
  const byRow = difference(a, b);
  for (let k = 0; k < byRow.length; k += words) for (let w = 0; w < words; w++) byRow[k + w]! &= mask[w]!;
  const byLabel = difference(left.columns, right.columns);
  for (let round = 0; round < ROUNDS; round++) {
    const before = rows.slice();
    const turned = labels.map((word, w) => word & mask[w]!);
    decide(byRow, turned, m, width, rows);
    // Labels follow from rows, and rows from labels: from here on nothing would move.
    if (round > 0 && rows.every((word, w) => word === before[w])) break;
    decide(byLabel, rows, n, m, labels);
  }
  return { rows, labels };
}

function difference(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(a.length);
  for (let k = 0; k < out.length; k++) out[k] = a[k]! ^ b[k]!;
  return out;
}

/** Sets bit i of `out` where line i, with the given words turned, differs in more than half of its `size` places. */
function decide(lines: Uint32Array, turned: Uint32Array, count: number, size: number, out: Uint32Array): void {
  const distance = hammingMatrix(turned, 1, lines, count, turned.length);
  out.fill(0);
  for (let i = 0; i < count; i++) if (2 * distance[i]! > size) out[i >>> 5]! |= 1 << (i & 31);
}

function deciding({ n, words }: SignStack, only: boolean): Uint32Array {
  const mask = new Uint32Array(words).fill(only ? DECIDING : 0xffffffff);
  if (n % 32 !== 0) mask[words - 1]! &= (1 << (n % 32)) - 1;
  return mask;
}

/** The labels that decided nothing, in whole pairs of neighbours. */
export function testedLabels(n: number): Uint32Array {
  const labels: number[] = [];
  for (let j = 2; j + 1 < n; j += 4) labels.push(j, j + 1);
  return Uint32Array.from(labels);
}

/** The stack with the second model's rows turned. */
export function withTurnedRows(stack: SignStack, { rows }: TurnedSigns): SignStack {
  const { m, n, words } = stack;
  const b = stack.b.slice();
  const tail = n % 32 === 0 ? 0xffffffff : (1 << (n % 32)) - 1;
  for (let r = 0; r < m; r++) {
    if (((rows[r >>> 5]! >>> (r & 31)) & 1) === 0) continue;
    for (let w = r * words; w < (r + 1) * words; w++) b[w] = ~b[w]!;
    b[(r + 1) * words - 1]! &= tail;
  }
  return { ...stack, b };
}

/**
 * How far |sum over rows| of the tested labels lies above what unrelated signs would give, in standard deviations: where
 * nothing shows here the exact tests on turned rows show nothing either.
 */
export function foldedSigma(stack: SignStack, { rows }: TurnedSigns): number {
  const { m, n } = stack;
  const left = labelColumns(stack.a, stack);
  const right = labelColumns(stack.b, stack);
  const labels = testedLabels(n);
  if (labels.length === 0) return 0;
  let sum = 0;
  for (const j of labels) {
    let distance = 0;
    for (let w = 0; w < left.words; w++) {
      distance += popcount32(left.columns[j * left.words + w]! ^ right.columns[j * left.words + w]! ^ rows[w]!);
    }
    sum += Math.abs(m - 2 * distance) / Math.sqrt(m);
  }
  const [mean, sd] = [Math.sqrt(2 / Math.PI), Math.sqrt(1 - 2 / Math.PI)];
  return (sum / labels.length - mean) / (sd / Math.sqrt(labels.length));
}

/** Correlation of signs after the best turning of rows and labels; about (m^-1/2 + n^-1/2) where nothing is shared. */
export function turnedCorrelation(stack: SignStack): number {
  const { m, n, words, a, b } = stack;
  const { rows, labels } = turnedSigns(stack, false);
  let distance = 0;
  for (let r = 0; r < m; r++) {
    const turn = (rows[r >>> 5]! >>> (r & 31)) & 1 ? 0xffffffff : 0;
    for (let w = 0; w < words; w++) {
      const tail = w === words - 1 && n % 32 !== 0 ? (1 << (n % 32)) - 1 : 0xffffffff;
      distance += popcount32((a[r * words + w]! ^ b[r * words + w]! ^ labels[w]! ^ turn) & tail);
    }
  }
  return m * n === 0 ? 0 : 1 - (2 * distance) / (m * n);
}
