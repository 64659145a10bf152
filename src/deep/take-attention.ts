import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import {
  ATTENTION_VERSION,
  type AttentionLayer,
  type AttentionPart,
  type CoarseRows,
  coarseRows,
  KEPT_OUTPUT,
  KEPT_READERS,
  MAX_STREAM,
} from "../fingerprint/attention-part.ts";
import { RowReader } from "../rows/row-reader.ts";
import { MAX_LAYERS, outputRows, readerRows, streamPlaces, valuePlaces } from "./adapter-labels.ts";
import { someColumns } from "./attention-source.ts";
import { type Attention, attentionStacks, readersOf, type Stack } from "./attention-stacks.ts";
import { spread } from "./take.ts";

/** Longer paths are no fingerprint's. */
const MAX_STACK = 100;

/**
 * What adapters alone are tested by of a model whose weights will not be at hand, with the bytes that were read for it: layers
 * spread over its deepest stack. Null where it has none.
 */
export async function takeAttentionPart(
  checkpoint: Checkpoint,
  signal?: AbortSignal,
): Promise<{ readonly part: AttentionPart; readonly bytesRead: number } | null> {
  const [deepest] = [...attentionStacks(checkpoint.tensors)].sort(deepestFirst);
  if (deepest === undefined) return null;
  const [stack, all] = deepest;
  const width = streamWidth(all);
  if (stack.length > MAX_STACK || width > MAX_STREAM) return null;
  const reader = new RowReader(checkpoint, undefined, signal);
  const layers: AttentionLayer[] = [];
  for (const [layer, attention] of spread(
    [...deepest[1]].sort(([a], [b]) => a - b),
    MAX_LAYERS,
  )) {
    const [readers, output] = [await keptReaders(reader, attention, width), await keptOutput(reader, attention)];
    if (readers.length > 0 || output !== null) layers.push({ layer, readers, output });
  }
  if (layers.length === 0) return null;
  return { part: { version: ATTENTION_VERSION, stack, width, layers }, bytesRead: reader.bytesRead };
}

type NamedStack = readonly [string, Stack];

function deepestFirst([a, x]: NamedStack, [b, y]: NamedStack): number {
  return y.size - x.size || (a < b ? -1 : 1);
}

/** Of the first layer that reads one. */
function streamWidth(stack: Stack): number {
  return [...stack.values()].flatMap(readersOf)[0]?.cols ?? 0;
}

async function keptReaders(reader: RowReader, attention: Attention, width: number): Promise<readonly CoarseRows[]> {
  const readers = readersOf(attention);
  const places = readers.every(({ cols }) => cols === width) ? streamPlaces(width) : null;
  if (places === null) return [];
  const kept: CoarseRows[] = [];
  for (const matrix of readers) {
    const rows = readerRows(matrix, readers.length, Math.floor(KEPT_READERS / places.length));
    kept.push(await keptRows(reader, matrix, rows, places));
  }
  return kept;
}

async function keptOutput(reader: RowReader, attention: Attention): Promise<CoarseRows | null> {
  const [v, output] = [attention.get("v"), attention.get("o")];
  if (v === undefined || output === undefined || output.cols % v.rows !== 0) return null;
  const places = valuePlaces(v.rows, output);
  if (places === null) return null;
  const columns = output.cols === v.rows ? places : Array.from({ length: output.cols }, (_, j) => j);
  if (columns.length > KEPT_OUTPUT) return null;
  return keptRows(reader, output, outputRows(v.rows, output, Math.floor(KEPT_OUTPUT / columns.length)), columns);
}

async function keptRows(
  reader: RowReader,
  matrix: CanonicalTensor,
  rows: readonly number[],
  columns: readonly number[],
): Promise<CoarseRows> {
  return coarseRows(await someColumns(reader, matrix, rows, columns), columns.length);
}
