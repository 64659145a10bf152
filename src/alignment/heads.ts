import type { HeadShape } from "../anatomy/fused.ts";
import { matmul } from "../kernels/matmul.ts";
import { orthonormalRows } from "../numerics/orthonormal.ts";
import { fitHead, type HeadMix, mixRows, type RotaryRows } from "./head-mix.ts";

/** Rows of k, v and q seen through the head projections, row-major. */
export interface HeadRows {
  readonly keys: Float32Array | null;
  readonly values: Float32Array | null;
  readonly queries: Float32Array | null;
}

/** Where the heads of one layer of the reference are in the suspect; -1 where nowhere. */
export interface HeadMap {
  readonly headSize: number;
  /** Key/value head by key/value head. */
  readonly groups: Int32Array;
  readonly queries: Int32Array;
  /** By key/value head of the reference. */
  readonly keyMixes: readonly HeadMix[];
  readonly valueMixes: readonly HeadMix[];
  /** Correlation of the fitted key and value rows with the reference's, mean over heads that were found. */
  readonly correlation: number;
  readonly kinds: ReadonlySet<HeadMix["kind"]>;
}

/** Residual of a head in place, rows only permuted and turned in sign, below which nobody else is asked. */
const IN_PLACE = 0.5;
/** Of the way from the overlap of random subspaces to that of equal ones. */
const SAME_SPACE = 0.2;
const SAME_QUERIES = 0.2;

/**
 * Finds key/value heads as subspaces, fits how the rows of each are mixed, then finds the query heads of the group.
 * `columns` is the width of projected keys and values, `queryColumns` that of queries. Null when heads do not tile the rows.
 */
export function matchHeads(
  reference: HeadRows,
  suspect: HeadRows,
  shape: HeadShape,
  keys: RotaryRows | null,
  columns: { readonly heads: number; readonly queries: number },
): HeadMap | null {
  const { heads, kvHeads, headSize: size } = shape;
  const groupsOf = (rows: Float32Array | null): number => (rows === null ? 0 : rows.length / columns.heads / size);
  const available = Math.max(groupsOf(suspect.keys), groupsOf(suspect.values));
  if (!Number.isInteger(available) || available < 1) return null;
  const kinds = [
    { ref: reference.keys, sus: suspect.keys, keys },
    { ref: reference.values, sus: suspect.values, keys: null },
  ].map((one) => ({
    ...one,
    usable: groupsOf(one.ref) === kvHeads && groupsOf(one.sus) === available,
  }));
  if (!kinds.some(({ usable }) => usable)) return null;
  const head = (rows: Float32Array, g: number): Float32Array =>
    rows.subarray(g * size * columns.heads, (g + 1) * size * columns.heads);

  const fitPair = (g: number, other: number) =>
    kinds.map(({ ref, sus, keys: planes, usable }) =>
      usable ? fitHead(head(ref!, g), head(sus!, other), size, planes) : null,
    );
  const groups = new Int32Array(kvHeads).fill(-1);
  const fits = Array.from({ length: kvHeads }, (_, g) => (g < available ? fitPair(g, g) : [null, null]));
  const isPlain = (fitted: (typeof fits)[number]): boolean =>
    fitted.some((one) => one !== null && one.mix.kind === "signs" && one.residual <= IN_PLACE);
  fits.forEach((fitted, g) => {
    if (isPlain(fitted)) groups[g] = g;
  });
  if (groups.includes(-1)) {
    const tables = kinds
      .filter(({ usable }) => usable)
      .map(({ ref, sus }) => overlapTable(ref!, sus!, size, columns.heads));
    const overlap = (g: number, other: number): number =>
      tables.reduce((sum, table) => sum + table[g * available + other]!, 0) / tables.length;
    assignSpaces(groups, available, overlap, size / columns.heads);
    groups.forEach((other, g) => {
      if (other >= 0 && other !== g) fits[g] = fitPair(g, other);
    });
  }
  const mixes = [0, 1].map((kind) => fits.map((fitted) => fitted[kind]?.mix ?? plainMix(size))) as [
    HeadMix[],
    HeadMix[],
  ];
  const queries = matchQueries(
    reference.queries,
    suspect.queries,
    { heads, groups, available, size },
    mixes[0],
    columns.queries,
  );
  const found = fits.flatMap((fitted, g) => (groups[g]! < 0 ? [] : fitted.filter((one) => one !== null)));
  const correlation = found.reduce((sum, { residual }) => sum + Math.sqrt(Math.max(0, 1 - residual)), 0);
  return {
    headSize: size,
    groups,
    queries,
    keyMixes: mixes[0],
    valueMixes: mixes[1],
    correlation: found.length === 0 ? 0 : correlation / found.length,
    kinds: new Set(found.map(({ mix }) => mix.kind)),
  };
}

function plainMix(size: number): HeadMix {
  return { kind: "signs", from: Int32Array.from({ length: size }, (_, i) => i), signs: new Int8Array(size).fill(1) };
}

/** Overlap of the row spaces of heads, 0 to 1: groups x groups of the suspect. */
function overlapTable(ref: Float32Array, sus: Float32Array, size: number, cols: number): Float64Array {
  const bases = (rows: Float32Array): Float32Array => {
    const out = new Float32Array(rows.length);
    const step = size * cols;
    for (let at = 0; at < rows.length; at += step) {
      const basis = Float64Array.from(rows.subarray(at, at + step));
      orthonormalRows(basis, cols);
      out.set(basis, at);
    }
    return out;
  };
  const [a, b] = [bases(ref), bases(sus)];
  const groups = ref.length / cols / size;
  const across = sus.length / cols / size;
  const overlaps = new Float64Array(groups * across);
  for (let g = 0; g < groups; g++) {
    const part = a.subarray(g * size * cols, (g + 1) * size * cols);
    const products = matmul(part, b, { rows: size, depth: cols, columns: across * size, transposedB: true });
    products.forEach((x, i) => {
      overlaps[g * across + Math.floor((i % (across * size)) / size)]! += (x * x) / size;
    });
  }
  return overlaps;
}

/** Open groups to free heads of the suspect, best overlap first; what is like nobody stays in place if that is free. */
function assignSpaces(
  groups: Int32Array,
  available: number,
  overlap: (g: number, other: number) => number,
  chance: number,
): void {
  const open = [...groups.keys()].filter((g) => groups[g]! < 0);
  const free = new Set(Array.from({ length: available }, (_, i) => i).filter((i) => !groups.includes(i)));
  const pairs = open
    .flatMap((g) => [...free].map((other) => ({ g, other, value: overlap(g, other) })))
    .sort((a, b) => b.value - a.value || a.g - b.g || a.other - b.other);
  for (const { g, other, value } of pairs) {
    if (groups[g]! >= 0 || !free.has(other) || value < chance + SAME_SPACE * (1 - chance)) continue;
    groups[g] = other;
    free.delete(other);
  }
  for (const g of open) {
    if (groups[g]! >= 0 || !free.has(g)) continue;
    groups[g] = g;
    free.delete(g);
  }
}

interface Groups {
  readonly heads: number;
  readonly groups: Int32Array;
  /** Key/value heads of the suspect. */
  readonly available: number;
  readonly size: number;
}

/** For every query head of the reference the suspect's, within the group that reads the same keys. */
function matchQueries(
  reference: Float32Array | null,
  suspect: Float32Array | null,
  { heads, groups, available, size }: Groups,
  keyMixes: readonly HeadMix[],
  cols: number,
): Int32Array {
  const perGroup = heads / groups.length;
  const queries = new Int32Array(heads).fill(-1);
  const suspectHeads = suspect === null ? 0 : suspect.length / cols / size;
  const perOther = suspectHeads / available;
  if (!Number.isInteger(perOther) || perOther < 1) return queries;
  groups.forEach((other, g) => {
    if (other < 0) return;
    const candidates = Array.from({ length: perOther }, (_, i) => other * perOther + i);
    const mine = Array.from({ length: perGroup }, (_, i) => g * perGroup + i);
    const block = (rows: Float32Array, h: number): Float32Array =>
      rows.subarray(h * size * cols, (h + 1) * size * cols);
    const mixed = candidates.map((h) => mixRows(keyMixes[g]!, "dual", block(suspect!, h), size));
    const pairs = mine
      .flatMap((h, i) =>
        candidates.map((candidate, k) => {
          const value = reference === null ? Number(i === k) : rowCorrelation(block(reference, h), mixed[k]!, cols);
          return { h, candidate, value: value + (i === k ? 1e-6 : 0) };
        }),
      )
      .sort((a, b) => b.value - a.value);
    const free = new Set(candidates);
    for (const { h, candidate, value } of pairs) {
      if (queries[h]! >= 0 || !free.has(candidate) || value < SAME_QUERIES) continue;
      queries[h] = candidate;
      free.delete(candidate);
    }
    mine.forEach((h, i) => {
      const inPlace = candidates[i];
      if (queries[h]! >= 0 || inPlace === undefined || !free.has(inPlace)) return;
      queries[h] = inPlace;
      free.delete(inPlace);
    });
  });
  return queries;
}

/** Mean correlation of rows. */
function rowCorrelation(a: Float32Array, b: Float32Array, cols: number): number {
  const rows = a.length / cols;
  let total = 0;
  for (let at = 0; at < a.length; at += cols) {
    let [ab, aa, bb] = [0, 0, 0];
    for (let j = at; j < at + cols; j++) {
      ab += a[j]! * b[j]!;
      aa += a[j]! ** 2;
      bb += b[j]! ** 2;
    }
    if (aa > 0 && bb > 0) total += ab / Math.sqrt(aa * bb);
  }
  return total / rows;
}
