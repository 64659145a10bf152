import { bytesIn, type FileRange } from "./stored-ranges.ts";

/** Bytes fetched at a time. Two batches are alive: one in use, the next under way. */
export const BATCH_BYTES = 16 << 20;
/** Ranges at a time: narrow rows are many, and each costs a hundred bytes to remember. */
const BATCH_RANGES = 1 << 16;

/** Things that are read together, one fetch for all. */
export interface Batch<T> {
  readonly items: readonly T[];
  /** None for a thing too large to be held: it reads for itself, piece by piece, and nothing else meanwhile. */
  readonly ranges: readonly FileRange[];
  readonly alone: boolean;
}

/** Cuts a sequence into batches, in order. `rangesOf` says what an item reads, or null when it has to be alone. */
export function* inBatches<T>(
  items: Iterable<T>,
  rangesOf: (item: T) => readonly FileRange[] | null,
): Generator<Batch<T>> {
  let batch: T[] = [];
  let ranges: FileRange[] = [];
  let bytes = 0;
  const cut = (): Batch<T> => {
    const done = { items: batch, ranges, alone: false };
    batch = [];
    ranges = [];
    bytes = 0;
    return done;
  };
  for (const item of items) {
    const wanted = rangesOf(item);
    const size = wanted === null ? 0 : bytesIn(wanted);
    const alone = wanted === null || size > BATCH_BYTES;
    const full = bytes + size > BATCH_BYTES || ranges.length + (wanted?.length ?? 0) > BATCH_RANGES;
    if (batch.length > 0 && (alone || full)) yield cut();
    if (alone) {
      yield { items: [item], ranges: [], alone };
      continue;
    }
    batch.push(item);
    for (const range of wanted) ranges.push(range);
    bytes += size;
  }
  if (batch.length > 0) yield cut();
}

/** Each item with what was fetched for it, the next one's fetch under way while it is used, unless it wants the line. */
export async function* fetchedAhead<T, R>(
  items: Iterable<T>,
  fetch: (item: T) => Promise<R>,
  alone: (item: T) => boolean = () => false,
): AsyncGenerator<readonly [T, R]> {
  const iterator = items[Symbol.iterator]();
  const start = (): { readonly item: T; readonly fetched: Promise<R> } | null => {
    const next = iterator.next();
    if (next.done) return null;
    const fetched = fetch(next.value);
    // Anyone who gives up in between never awaits it.
    fetched.catch(() => {});
    return { item: next.value, fetched };
  };
  for (let current = start(); current !== null; ) {
    const fetched = await current.fetched;
    const waits = alone(current.item);
    const ahead = waits ? null : start();
    yield [current.item, fetched];
    current = waits ? start() : ahead;
  }
}
