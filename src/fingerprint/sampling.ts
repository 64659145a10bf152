import type { CanonicalTensor, Role } from "../anatomy/anatomy.ts";

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

/** Roles whose columns are residual dimensions. `unknown` is matched by content before it is used. */
export const RESIDUAL_ROLES: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "qkv", "gate", "up", "router"]);

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

/** Neighbouring columns [first, first + count). */
export interface ColumnRun {
  readonly first: number;
  readonly count: number;
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

/** The matrices that get a sketch: those worth one, as many as a fingerprint holds. */
export function sketched(matrices: readonly CanonicalTensor[]): CanonicalTensor[] {
  let bytes = 0;
  return worthSketching(matrices)
    .slice(0, MAX_SKETCHES)
    .filter((m) => {
      bytes += 4 * sampledRows({ ...m, tokens: indexedByTokens(m) }).length * Math.ceil(m.cols / 32);
      return bytes <= MAX_SKETCH_BYTES;
    });
}

/** All matrices except most experts of a layer with many, and what is wider than any model. */
export function worthSketching(matrices: readonly CanonicalTensor[]): CanonicalTensor[] {
  const experts = new Map<string, number[]>();
  const group = (m: CanonicalTensor): string => `${m.component}/${m.layer}/${m.role}/${m.expert >= 1_000_000}`;
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

/**
 * The matrices that get a slice: per component four layers spread over the depth and up to four roles in each, and the
 * embedding. Matrices of unknown role take part when nothing better is there.
 */
export function sliced(matrices: readonly CanonicalTensor[]): CanonicalTensor[] {
  const out: CanonicalTensor[] = [];
  const components = new Map<string, CanonicalTensor[]>();
  for (const m of matrices) {
    if (m.expert > 0) continue;
    const list = components.get(m.component);
    if (list) list.push(m);
    else components.set(m.component, [m]);
  }
  for (const list of components.values()) {
    const layers = [...new Set(list.filter((m) => m.layer >= 0).map((m) => m.layer))].sort((a, b) => a - b);
    const count = Math.min(SLICE_LAYERS, layers.length);
    const chosen = new Set(
      Array.from({ length: count }, (_, i) => layers[Math.floor(((i + 0.5) * layers.length) / count)]!),
    );
    for (const layer of [...chosen].sort((a, b) => a - b)) {
      out.push(...slicedOfLayer(list.filter((m) => m.layer === layer)));
    }
    const embed = list.find((m) => m.role === "embed") ?? list.find(indexedByTokens);
    if (embed) out.push(embed);
    if (layers.length === 0) out.push(...list.filter((m) => m.role === "unknown" && m !== embed).slice(0, 32));
  }
  return out;
}

/** One matrix of each kind: what reads the residual stream for attention, the values, the FFN's input, its output. */
export function slicedOfLayer(layer: readonly CanonicalTensor[]): CanonicalTensor[] {
  const kinds: readonly (readonly Role[])[] = [["q", "qkv"], ["v"], ["up", "gate"], ["down"]];
  const out: CanonicalTensor[] = [];
  for (const kind of kinds) {
    const found = kind.map((role) => layer.find((m) => m.role === role)).find((m) => m !== undefined);
    if (found) out.push(found);
  }
  return out.length > 0 ? out : layer.filter((m) => m.role === "unknown").slice(0, 7);
}
