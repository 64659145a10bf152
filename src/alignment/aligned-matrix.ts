import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { matmul } from "../kernels/matmul.ts";
import type { Address, AddressedMatrix } from "../rows/addressed-matrix.ts";
import type { RowReader } from "../rows/row-reader.ts";
import { finite } from "./feature-reader.ts";
import { type HeadMix, mixRows } from "./head-mix.ts";
import { scaleColumns } from "./projection.ts";
import { type Residual, toReference } from "./residual.ts";

/** Stored rows that are turned into reference rows at a time. */
const PIECE = 1 << 20;
/** What is kept of the matrix that was read last: a basis change is paid once though its rows are read twice. */
const CACHE_BYTES = 192 << 20;
const BLOCK_BYTES = 64 << 20;

/** Rows of a side that does not touch the residual stream (neurons, rows of heads), in units of `size` rows. */
export interface UnitMap {
  readonly size: number;
  /** Unit of the suspect for every unit of the reference, -1 where it is gone and zeros are read. */
  readonly from: Int32Array;
  /** How the rows inside a unit are mixed; null where they are taken as they are. */
  readonly mixOf: (unit: number) => { readonly mix: HeadMix; readonly side: "rows" | "dual" } | null;
  /** Sign of a unit. */
  readonly signs: Int8Array | null;
  /** Units of the suspect that are to be added, with a factor, to units of the reference: split neurons. */
  readonly extra: readonly { readonly from: number; readonly to: number; readonly factor: number }[];
  /** Factor of the units above that have extras, so that all parts are in one measure; 1 elsewhere. */
  readonly factors: ReadonlyMap<number, number>;
}

export interface Alignment {
  readonly reader: RowReader;
  readonly residual: Residual;
  readonly width: number;
  readonly cache: BlockCache;
}

/** A matrix [rows x width] that reads the stream (q, k, v, gate, up), in reference coordinates. */
export function readingMatrix(
  { reader, residual, width, cache }: Alignment,
  address: Address,
  view: CanonicalTensor,
  units: UnitMap,
  gains: { readonly suspect: Float32Array | null; readonly reference: Float32Array | null },
): AddressedMatrix {
  const rows = units.from.length * units.size;
  const { before, after } = gainFactors(gains, residual, width);
  const compute = async (first: number, count: number): Promise<Float32Array> => {
    const mixed = await mixedRows(reader, view, units, first, count);
    if (before !== null) scaleColumns(mixed, before);
    const turned = toReference(mixed, width, residual);
    return after === null ? turned : scaleColumns(turned, after);
  };
  const read = residual.kind === "orthogonal" ? cache.through(compute, rows, width) : compute;
  return { ...placeOf(address), rows, cols: width, read, gain: async () => gains.reference };
}

/** A matrix [width x cols] that writes the stream (o, down), in reference coordinates. */
export function writingMatrix(
  { reader, residual, width, cache }: Alignment,
  address: Address,
  view: CanonicalTensor,
  units: UnitMap,
): AddressedMatrix {
  const cols = units.from.length * units.size;
  const stored = async (rows: readonly number[]): Promise<Float32Array> =>
    columnsOf(finite(await reader.rows(view, rows)), view.cols, units);
  const compute = async (first: number, count: number): Promise<Float32Array> => {
    const wanted = Array.from({ length: count }, (_, i) => first + i);
    switch (residual.kind) {
      case "none":
        return stored(wanted);
      case "signed-permutation": {
        const out = await stored(wanted.map((row) => residual.from[row]!));
        for (let i = 0; i < count; i++) {
          if (residual.signs[first + i]! > 0) continue;
          for (let j = i * cols; j < (i + 1) * cols; j++) out[j] = -out[j]!;
        }
        return out;
      }
      case "orthogonal": {
        // Row i of the reference is the sum over rows j of T[j, i] times row j: one pass over the whole matrix.
        const out = new Float32Array(count * cols);
        const step = Math.max(1, Math.floor(PIECE / Math.max(view.cols, cols)));
        for (let at = 0; at < width; at += step) {
          const height = Math.min(step, width - at);
          const turn = new Float32Array(count * height);
          for (let j = 0; j < height; j++) {
            const source = (at + j) * width + first;
            for (let i = 0; i < count; i++) turn[i * height + j] = residual.transform[source + i]!;
          }
          const part = await stored(Array.from({ length: height }, (_, j) => at + j));
          const sum = matmul(turn, part, { rows: count, depth: height, columns: cols });
          for (let i = 0; i < out.length; i++) out[i]! += sum[i]!;
        }
        return out;
      }
    }
  };
  const read = residual.kind === "orthogonal" ? cache.through(compute, width, cols) : compute;
  return { ...placeOf(address), rows: width, cols, read };
}

function placeOf({ component, layer, expert, role }: Address): Address {
  return { component, layer, expert, role };
}

/**
 * What stands between stored columns and those of the reference. Under a basis change the suspect's gain belongs before
 * it and the reference's comes out again behind it; otherwise both are one factor, and none where they are equal.
 */
function gainFactors(
  { suspect, reference }: { readonly suspect: Float32Array | null; readonly reference: Float32Array | null },
  residual: Residual,
  width: number,
): { readonly before: Float32Array | null; readonly after: Float32Array | null } {
  const before = suspect === null ? null : finite(suspect.slice());
  // A gain of nothing left nothing to find: its column stays as it is.
  const after = reference === null ? null : reference.map((gain) => (Math.abs(gain) < 1e-12 ? 1 : 1 / gain));
  if (residual.kind === "orthogonal" || before === null || after === null) return { before, after };
  const moved = toReference(before, width, residual);
  if (residual.kind === "none" && moved.every((gain, j) => gain === reference![j]))
    return { before: null, after: null };
  return { before, after };
}

/** Rows [first, first + count) of the reference before the stream is turned: count x view.cols. */
async function mixedRows(
  reader: RowReader,
  view: CanonicalTensor,
  units: UnitMap,
  first: number,
  count: number,
): Promise<Float32Array> {
  const { size, from, signs } = units;
  const { cols } = view;
  const out = new Float32Array(count * cols);
  const plain: { readonly at: number; readonly row: number; readonly sign: number }[] = [];
  for (let row = first; row < first + count; ) {
    const unit = Math.floor(row / size);
    const end = Math.min(first + count, (unit + 1) * size);
    const source = from[unit]!;
    const mixing = source < 0 ? null : units.mixOf(unit);
    if (mixing !== null && mixing.mix.kind !== "signs") {
      const block = finite(
        await reader.rows(
          view,
          Array.from({ length: size }, (_, i) => source * size + i),
        ),
      );
      const mixed = mixRows(mixing.mix, mixing.side, block, size);
      out.set(mixed.subarray((row - unit * size) * cols, (end - unit * size) * cols), (row - first) * cols);
    } else if (source >= 0) {
      for (let r = row; r < end; r++) {
        const inside = r - unit * size;
        const mix = mixing?.mix.kind === "signs" ? mixing.mix : null;
        const sign = (signs?.[unit] ?? 1) * (mix?.signs[inside] ?? 1);
        plain.push({ at: r - first, row: source * size + (mix?.from[inside] ?? inside), sign });
      }
    }
    row = end;
  }
  if (plain.length === 0) return out;
  // Read in stored order: neighbours come in one piece.
  const inOrder = plain.map((_, i) => i).sort((a, b) => plain[a]!.row - plain[b]!.row);
  const rows = finite(
    await reader.rows(
      view,
      inOrder.map((i) => plain[i]!.row),
    ),
  );
  inOrder.forEach((i, k) => {
    const { at, sign } = plain[i]!;
    const row = rows.subarray(k * cols, (k + 1) * cols);
    if (sign > 0) out.set(row, at * cols);
    else for (let j = 0; j < cols; j++) out[at * cols + j] = -row[j]!;
  });
  return out;
}

/** Stored rows [n x stored] with columns by units of the reference: n x (units x size). May return its argument. */
function columnsOf(rows: Float32Array, stored: number, units: UnitMap): Float32Array {
  const { size, from, signs, extra, factors } = units;
  const cols = from.length * size;
  const count = rows.length / stored;
  const gather = new Int32Array(cols).fill(-1);
  const weights = new Float32Array(cols);
  const dense: { readonly unit: number; readonly matrix: Float32Array }[] = [];
  from.forEach((source, unit) => {
    if (source < 0) return;
    const mixing = units.mixOf(unit);
    if (mixing !== null && mixing.mix.kind !== "signs") {
      dense.push({ unit, matrix: mixing.mix[mixing.side] });
      return;
    }
    for (let i = 0; i < size; i++) {
      const mix = mixing?.mix.kind === "signs" ? mixing.mix : null;
      gather[unit * size + i] = source * size + (mix?.from[i] ?? i);
      weights[unit * size + i] = (signs?.[unit] ?? 1) * (mix?.signs[i] ?? 1) * (factors.get(unit) ?? 1);
    }
  });
  const same = dense.length === 0 && extra.length === 0 && cols === stored;
  if (same && gather.every((source, j) => source === j) && weights.every((weight) => weight === 1)) return rows;
  const out = new Float32Array(count * cols);
  for (let r = 0; r < count; r++) {
    const [to, at] = [r * cols, r * stored];
    for (let j = 0; j < cols; j++) if (gather[j]! >= 0) out[to + j] = weights[j]! * rows[at + gather[j]!]!;
    for (const one of extra) out[to + one.to]! += one.factor * rows[at + one.from]!;
  }
  for (const { unit, matrix } of dense) {
    const block = new Float32Array(count * size);
    for (let r = 0; r < count; r++) {
      const at = r * stored + from[unit]! * size;
      block.set(rows.subarray(at, at + size), r * size);
    }
    const mixed = matmul(block, matrix, { rows: count, depth: size, columns: size, transposedB: true });
    for (let r = 0; r < count; r++) out.set(mixed.subarray(r * size, (r + 1) * size), r * cols + unit * size);
  }
  return out;
}

type Compute = (first: number, count: number) => Promise<Float32Array>;

/** The last few blocks of the matrix that was read last. One for a whole model, so that many matrices cannot add up. */
export class BlockCache {
  #owner: Compute | null = null;
  readonly #blocks = new Map<number, Promise<Float32Array>>();

  /** `compute` through large blocks of rows. */
  through(compute: Compute, rows: number, cols: number): Compute {
    const step = Math.max(1, Math.floor(BLOCK_BYTES / (4 * cols)));
    return async (first, count) => {
      const out = new Float32Array(count * cols);
      for (let row = first; row < first + count; ) {
        const index = Math.floor(row / step);
        const end = Math.min(first + count, (index + 1) * step);
        const block = await this.#block(compute, index, step, rows);
        out.set(block.subarray((row - index * step) * cols, (end - index * step) * cols), (row - first) * cols);
        row = end;
      }
      return out;
    };
  }

  #block(compute: Compute, index: number, step: number, rows: number): Promise<Float32Array> {
    if (this.#owner !== compute) {
      this.#owner = compute;
      this.#blocks.clear();
    }
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size >= CACHE_BYTES / BLOCK_BYTES && oldest !== undefined) this.#blocks.delete(oldest);
    const made = compute(index * step, Math.min(step, rows - index * step));
    this.#blocks.set(index, made);
    return made;
  }
}
