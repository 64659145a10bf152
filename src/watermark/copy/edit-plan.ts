import type { Checkpoint, CheckpointTensor } from "../../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../../errors.ts";
import { DTYPE_BITS } from "../../formats/tensor-info.ts";
import type { TensorEdit, ViewEdit } from "../host/tensor-edit.ts";
import type { EditTask } from "./edit-task.ts";
import { cutRun } from "./row-run.ts";
import { hasSignBit } from "./sign-flips.ts";

export interface TileLimits {
  /** Bytes of a tile, more only for a single row or a group of rows that lie in each other. */
  readonly tileBytes: number;
  /** Bytes of what cannot be cut: transposed tensors, such groups. */
  readonly maxBytes: number;
}

/** Bounded by memory per worker above, and below by the time that a task's message takes. */
const TILE_LIMITS: TileLimits = { tileBytes: 64 << 20, maxBytes: 512 << 20 };

/**
 * Cuts the files of a checkpoint into tasks, in file order: every byte of every file belongs to exactly one. One at a time,
 * for the tasks of a large model hold all of its edits.
 *
 * @throws TENSOR_TOO_LARGE, DTYPE_UNSUPPORTED; INTERNAL for edits that do not fit the checkpoint. All of them before the
 *   first task
 */
export function planEdits(
  checkpoint: Checkpoint,
  edits: ReadonlyMap<string, TensorEdit>,
  limits: TileLimits = TILE_LIMITS,
): Iterable<EditTask> {
  const perFile: CheckpointTensor[][] = checkpoint.files.map(() => []);
  for (const [name, edit] of edits) {
    const tensor = checkpoint.tensors.get(name);
    if (tensor === undefined)
      throw new WeightmarkError("INTERNAL", "there is no such tensor to edit", { tensor: name });
    requireFit(tensor, edit);
    for (const { end, begin } of tilesOf(tensor, edit, limits)) {
      if (end - begin > limits.maxBytes) throw tooLarge(tensor, limits);
    }
    perFile[tensor.file]!.push(tensor);
  }
  for (const tensors of perFile) tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  return tasks(checkpoint, perFile, edits, limits);
}

function* tasks(
  { files }: Checkpoint,
  perFile: readonly (readonly CheckpointTensor[])[],
  edits: ReadonlyMap<string, TensorEdit>,
  limits: TileLimits,
): Generator<EditTask> {
  for (const [file, { source }] of files.entries()) {
    let at = 0;
    for (const tensor of perFile[file]!) {
      const edit = edits.get(tensor.name)!;
      for (const tile of tilesOf(tensor, edit, limits)) {
        yield* copies(file, at, tile.begin, limits);
        yield taskOf(tensor, edit, tile);
        at = tile.end;
      }
    }
    yield* copies(file, at, source.size, limits);
  }
}

function* copies(file: number, from: number, to: number, { tileBytes }: TileLimits): Generator<EditTask> {
  for (let begin = from; begin < to; begin += tileBytes) {
    yield { file, begin, end: Math.min(begin + tileBytes, to), edit: null };
  }
}

/** Bytes [begin, end) of a file, and which rows of which view lie in them. */
interface Tile {
  readonly begin: number;
  readonly end: number;
  /** Range in the tensor's `RowOrder`; null when the tensor is one tile. */
  readonly rows: { readonly order: RowOrder; readonly from: number; readonly to: number } | null;
}

function taskOf(tensor: CheckpointTensor, { views, vectorSigns }: TensorEdit, tile: Tile): EditTask {
  const { name, dtype, file } = tensor;
  const { begin, end, rows } = tile;
  const origin = (begin - tensor.begin) / (DTYPE_BITS[dtype] / 8);
  const runs =
    rows === null
      ? views.map((view) => cutRun(view, 0, view.rowOffsets.length))
      : runsOf(views, rows.order, rows.from, rows.to);
  return { file, begin, end, edit: { tensor: name, dtype, origin, runs, vectorSigns } };
}

/** The tiles of a tensor in order; bytes between them are in no row. */
function* tilesOf(tensor: CheckpointTensor, { views, vectorSigns }: TensorEdit, limits: TileLimits): Generator<Tile> {
  const { begin, end, dtype } = tensor;
  if (begin === end || (views.length === 0 && vectorSigns === null)) return;
  const scattered = views.some(({ colStride }) => colStride !== 1);
  if (end - begin <= limits.tileBytes || scattered || vectorSigns !== null) {
    yield { begin, end, rows: null };
    return;
  }
  const width = DTYPE_BITS[dtype] / 8;
  const order = rowOrder(views);
  let from = 0;
  let reach = 0;
  for (let at = 0; at < order.count; at++) {
    const start = order.start(at);
    const stop = start + views[order.view[at]!]!.cols;
    // Only where no row of another view is still open.
    if (at > from && start >= reach && (stop - order.start(from)) * width > limits.tileBytes) {
      yield { begin: begin + order.start(from) * width, end: begin + reach * width, rows: { order, from, to: at } };
      from = at;
    }
    reach = Math.max(reach, stop);
  }
  if (from < order.count) {
    const rows = { order, from, to: order.count };
    yield { begin: begin + order.start(from) * width, end: begin + reach * width, rows };
  }
}

/** All rows of all views, in the order in which they are stored. */
interface RowOrder {
  readonly count: number;
  readonly view: Uint32Array;
  readonly row: Uint32Array;
  start(at: number): number;
}

function rowOrder(views: readonly ViewEdit[]): RowOrder {
  const count = views.reduce((n, { rowOffsets }) => n + rowOffsets.length, 0);
  const view = new Uint32Array(count);
  const row = new Uint32Array(count);
  const starts = new Float64Array(count);
  let at = 0;
  for (const [v, { rowOffsets }] of views.entries()) {
    for (let r = 0; r < rowOffsets.length; r++, at++) {
      view[at] = v;
      row[at] = r;
      starts[at] = rowOffsets[r]!;
    }
  }
  const stored = Uint32Array.from(starts.keys());
  if (starts.some((start, i) => i > 0 && start < starts[i - 1]!)) {
    stored.sort((a, b) => starts[a]! - starts[b]! || a - b);
  }
  return {
    count,
    view: stored.map((i) => view[i]!),
    row: stored.map((i) => row[i]!),
    start: (i) => starts[stored[i]!]!,
  };
}

/** The rows [from, to) of the order as runs of consecutive rows, view by view. */
function runsOf(views: readonly ViewEdit[], order: RowOrder, from: number, to: number) {
  const perView: number[][] = views.map(() => []);
  for (let at = from; at < to; at++) perView[order.view[at]!]!.push(order.row[at]!);
  return perView.flatMap((rows, v) => {
    rows.sort((a, b) => a - b);
    const runs = [];
    for (let i = 0; i < rows.length; ) {
      const first = i;
      do i++;
      while (i < rows.length && rows[i] === rows[i - 1]! + 1);
      runs.push(cutRun(views[v]!, rows[first]!, i - first));
    }
    return runs;
  });
}

function requireFit(tensor: CheckpointTensor, { views, vectorSigns }: TensorEdit): void {
  const { name, dtype, shape } = tensor;
  const elements = shape.reduce((a, b) => a * b, 1);
  const unfit = () => new WeightmarkError("INTERNAL", "the edit does not fit its tensor", { tensor: name });
  if (vectorSigns !== null && vectorSigns.length !== elements) throw unfit();
  let added = false;
  for (const view of views) {
    const reach = (view.cols - 1) * view.colStride;
    // Rows without columns lie nowhere.
    const outside = (offset: number) => view.cols > 0 && !(offset >= 0 && offset + reach < elements);
    if (view.rowOffsets.some(outside)) throw unfit();
    added ||= view.spread !== null || view.lowRank !== null || view.difference !== undefined;
  }
  const possible = added ? dtype === "BF16" || dtype === "F16" || dtype === "F32" : hasSignBit(dtype);
  if (!possible) throw new WeightmarkError("DTYPE_UNSUPPORTED", `${dtype} weights cannot be marked`, { tensor: name });
}

function tooLarge({ name, begin, end }: CheckpointTensor, { maxBytes }: TileLimits): WeightmarkError {
  return new WeightmarkError("TENSOR_TOO_LARGE", `${end - begin} bytes that cannot be cut, more than ${maxBytes}`, {
    tensor: name,
    detail: "Store the tensor with its rows in one piece each.",
  });
}
