import type { CanonicalTensor, Role } from "../anatomy/anatomy.ts";
import type { ColumnRun } from "../rows/stored-ranges.ts";

/** Rows of a slice and its widest column subset: 64 x 1,024 in int8 is 70 kB. */
export const SLICE_HEIGHT = 64;
export const SLICE_WIDTH = 1024;
const SLICE_RUNS = 4;
/** Layers of a component that get slices. */
const SLICE_LAYERS = 4;
/** Experts of a layer that get sketches: expert labels are as arbitrary as neurons', four of them say enough. */
const SKETCHED_EXPERTS = 4;

/** Wider matrices and more of them than any model has: a hostile file must not decide how much memory is used. */
export const MAX_COLS = 1 << 17;
export const MAX_SKETCHES = 1 << 15;
/** Bytes of sign bits in all; a 7B model has 1.5 MB of them. */
const MAX_SKETCH_BYTES = 1 << 26;

/**
 * How many rows of a matrix are sketched: 8 of a wide one, more of a narrow one, so that every model offers the tests
 * about the same number of sign bits (rows x labels decides their power).
 */
export function sketchHeight(cols: number): number {
  if (cols >= 2048) return 8;
  if (cols >= 1024) return 16;
  if (cols >= 512) return 32;
  return 64;
}

/** What decides which rows of a matrix are read. */
export interface RowSpace {
  readonly rows: number;
  readonly cols: number;
  readonly expert: number;
  /** Whether rows are token ids. */
  readonly tokens: boolean;
}

/** Whether the rows of a matrix are token ids, by its role or, without one, by what its shape leaves possible. */
export function indexedByTokens(matrix: Pick<CanonicalTensor, "role" | "candidates">): boolean {
  const possible = matrix.role === "unknown" ? (matrix.candidates ?? []) : [matrix.role];
  return possible.includes("embed") || possible.includes("head");
}

/** Rows of a matrix at the same relative positions in every model: floor(r * rows / height), without repeats. */
export function sampledRows(matrix: RowSpace): number[] {
  if (matrix.tokens) return tokenRows(matrix.rows);
  const wanted = sketchHeight(matrix.cols);
  const height = Math.min(matrix.rows, matrix.expert < 0 ? wanted : Math.max(2, wanted >> 2));
  return Array.from({ length: height }, (_, r) => Math.floor((r * matrix.rows) / height));
}

/**
 * Token ids whose embedding rows are sketched: every eighth up to 256, then twelve an octave. Absolute ids, so that
 * rows appended to a vocabulary change nothing; no tokenizer file takes part in a verdict.
 */
export function tokenRows(vocabulary: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < 256; id += 8) ids.push(id);
  for (let j = 0; j < 120; j++) ids.push(Math.floor(256 * 2 ** (j / 12)));
  return ids.filter((id) => id < vocabulary);
}

/** First row of the slice of a matrix: the middle; for token rows a fixed id. */
export function sliceFirstRow(matrix: Pick<RowSpace, "rows" | "tokens">): number {
  const height = Math.min(SLICE_HEIGHT, matrix.rows);
  const middle = Math.floor((matrix.rows - height) / 2);
  return matrix.tokens ? Math.min(256, middle) : middle;
}

/**
 * Columns of a slice: all of a narrow matrix; of a wide one four runs spread over its width, so that little more than
 * what is kept has to be read. Part of the format.
 */
export function sliceRuns(cols: number): ColumnRun[] {
  if (cols <= SLICE_WIDTH) return [{ first: 0, count: cols }];
  const count = SLICE_WIDTH / SLICE_RUNS;
  return Array.from({ length: SLICE_RUNS }, (_, i) => ({
    first: Math.floor((i * (cols - count)) / (SLICE_RUNS - 1)),
    count,
  }));
}

export function sliceWidth(cols: number): number {
  return Math.min(cols, SLICE_WIDTH);
}

/** Stacks that the budget is shared out over first: a model has a handful, a hostile file as many as it likes. */
const FAVOURED_STACKS = 16;

/**
 * The matrices that get a sketch: those worth one, as many as a fingerprint holds. Where that is not all, the largest
 * stacks get equal shares and spend them on their largest matrices, and what is left goes to the largest of the rest:
 * decoys, however many, must not take the place of a model.
 */
export function sketched(matrices: readonly CanonicalTensor[]): CanonicalTensor[] {
  const worth = worthSketching(matrices);
  const cost = (m: CanonicalTensor): number =>
    4 * sampledRows({ ...m, tokens: indexedByTokens(m) }).length * Math.ceil(m.cols / 32);
  let total = 0;
  for (const m of worth) total += cost(m);
  if (worth.length <= MAX_SKETCHES && total <= MAX_SKETCH_BYTES) return worth;
  const chosen = new Set<CanonicalTensor>();
  const left = { count: MAX_SKETCHES, bytes: MAX_SKETCH_BYTES };
  const spend = (list: readonly CanonicalTensor[], count: number, bytes: number): void => {
    for (const m of list) {
      const size = cost(m);
      if (chosen.has(m) || count < 1 || size > bytes) continue;
      count -= 1;
      bytes -= size;
      left.count -= 1;
      left.bytes -= size;
      chosen.add(m);
    }
  };
  const favoured = largestStacks(worth, FAVOURED_STACKS);
  const share = { count: Math.floor(left.count / favoured.length), bytes: Math.floor(left.bytes / favoured.length) };
  for (const list of favoured) spend(largestFirst(list), share.count, share.bytes);
  spend(largestFirst(worth), left.count, left.bytes);
  return worth.filter((m) => chosen.has(m));
}

/** The matrices of the stacks with the most parameters, the largest stack first. */
export function largestStacks(matrices: readonly CanonicalTensor[], limit: number): CanonicalTensor[][] {
  const stacks = new Map<string, { list: CanonicalTensor[]; parameters: number }>();
  for (const m of matrices) {
    const known = stacks.get(m.stack);
    if (known === undefined) stacks.set(m.stack, { list: [m], parameters: m.rows * m.cols });
    else {
      known.list.push(m);
      known.parameters += m.rows * m.cols;
    }
  }
  return [...stacks]
    .sort(([a, x], [b, y]) => y.parameters - x.parameters || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([, { list }]) => list);
}

/** In the order given among equals. */
function largestFirst(matrices: readonly CanonicalTensor[]): CanonicalTensor[] {
  return [...matrices].sort((a, b) => b.rows * b.cols - a.rows * a.cols);
}

/** All matrices except most experts of a layer with many, and what is wider than any model. */
export function worthSketching(matrices: readonly CanonicalTensor[]): CanonicalTensor[] {
  const experts = new Map<string, number[]>();
  const group = (m: CanonicalTensor): string => `${m.stack}/${m.layer}/${m.role}/${m.expert >= 1_000_000}`;
  for (const m of matrices) {
    if (m.expert < 0) continue;
    const list = experts.get(group(m));
    if (list) list.push(m.expert);
    else experts.set(group(m), [m.expert]);
  }
  const chosen = new Map<string, Set<number>>();
  for (const [key, list] of experts) {
    const sorted = [...new Set(list)].sort((a, b) => a - b);
    const count = Math.min(SKETCHED_EXPERTS, sorted.length);
    chosen.set(key, new Set(Array.from({ length: count }, (_, i) => sorted[Math.floor((i * sorted.length) / count)]!)));
  }
  return matrices.filter((m) => m.cols <= MAX_COLS && (m.expert < 0 || chosen.get(group(m))?.has(m.expert)));
}

/** Stacks that get slices, and matrices of one without roles or layers that do. */
const SLICED_STACKS = 12;
const SLICED_PLAIN = 16;
const SLICED_EQUAL = 4;

/**
 * The matrices that get a slice: per stack four layers spread over the depth and up to four roles in each; of a stack
 * without such roles (convolutions, say) matrices spread over all of it, few where no labels can be tested; and of the token
 * tables the embedding.
 */
export function sliced(matrices: readonly CanonicalTensor[]): CanonicalTensor[] {
  const out: CanonicalTensor[] = [];
  const worth = matrices.filter((m) => m.expert <= 0 && m.twin !== true);
  for (const list of largestStacks(
    worth.filter((m) => !indexedByTokens(m)),
    SLICED_STACKS,
  )) {
    const layers = [...new Set(list.filter((m) => m.layer >= 0).map((m) => m.layer))].sort((a, b) => a - b);
    const found = spread(layers, SLICE_LAYERS).flatMap((layer) => slicedOfLayer(list.filter((m) => m.layer === layer)));
    const tested = list.filter(isTested);
    // What can only be equal is asked whether it looks like weights.
    const plain = tested.length > 0 ? spread(tested, SLICED_PLAIN) : spread(list, SLICED_EQUAL);
    out.push(...(found.length > 0 ? found : plain));
  }
  for (const list of largestStacks(worth.filter(indexedByTokens), SLICED_STACKS)) {
    out.push(list.find((m) => m.role === "embed") ?? list[0]!);
  }
  return out;
}

/** `count` of the list, spread evenly over it. */
function spread<T>(list: readonly T[], count: number): T[] {
  const taken = Math.min(count, list.length);
  return Array.from({ length: taken }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / taken)]!);
}

function isTested({ axis }: CanonicalTensor): boolean {
  return axis !== null;
}

/** One matrix of each kind: what reads the residual stream for attention, the values, the FFN's input, its output. */
export function slicedOfLayer(layer: readonly CanonicalTensor[]): CanonicalTensor[] {
  const kinds: readonly (readonly Role[])[] = [["q", "qkv"], ["v"], ["up", "gate"], ["down"]];
  const out: CanonicalTensor[] = [];
  for (const kind of kinds) {
    const found = kind.map((role) => layer.find((m) => m.role === role)).find((m) => m !== undefined);
    if (found) out.push(found);
  }
  return out.length > 0 ? out : spread(layer.filter(isTested), 7);
}
