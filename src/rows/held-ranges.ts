import { type ByteRange, type ByteSource, canPrefetch, isSync } from "../bytes/byte-source.ts";
import { lastBegun } from "../bytes/last-begun.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { type FileRange, mergeRanges } from "./stored-ranges.ts";

/** Between reads of a local file: less than a page, which is read anyway, costs less than another call. */
export const LOCAL_GAP = 4096;

interface HeldPiece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** Bytes of a checkpoint's files that were fetched before they are needed. */
export class HeldRanges {
  /** Per file ascending and apart. */
  readonly #pieces: ReadonlyMap<number, readonly HeldPiece[]>;

  constructor(pieces: ReadonlyMap<number, readonly HeldPiece[]>) {
    this.#pieces = pieces;
  }

  /** The bytes of a range that lies inside of what is held, not copied; else null. */
  find({ file, start, end }: FileRange): Uint8Array | null {
    const pieces = this.#pieces.get(file);
    if (pieces === undefined) return null;
    const piece = lastBegun(pieces, start);
    if (piece === undefined || end > piece.start + piece.bytes.length) return null;
    return piece.bytes.subarray(start - piece.start, end - piece.start);
  }
}

/** Fetches ranges of any number of files; sources far away are told of all of theirs at once, and let go of them. */
export async function holdRanges(
  checkpoint: Checkpoint,
  ranges: readonly FileRange[],
  signal?: AbortSignal,
): Promise<HeldRanges> {
  const byFile = new Map<number, ByteRange[]>();
  for (const range of ranges) {
    const list = byFile.get(range.file);
    if (list) list.push(range);
    else byFile.set(range.file, [range]);
  }
  const files = [...byFile].map(async ([file, wanted]): Promise<[number, HeldPiece[]]> => {
    return [file, await fetchHeldPieces(checkpoint.files[file]!.source, wanted, signal)];
  });
  return new HeldRanges(new Map(await Promise.all(files)));
}

async function fetchHeldPieces(
  source: ByteSource,
  ranges: readonly ByteRange[],
  signal: AbortSignal | undefined,
): Promise<HeldPiece[]> {
  if (isSync(source)) {
    return mergeRanges(ranges, LOCAL_GAP).map(({ start, end }) => {
      const bytes = new Uint8Array(end - start);
      source.readIntoSync(bytes, start);
      return { start, bytes };
    });
  }
  // What is read below is what is announced here: no range of one read straddles two that were fetched.
  const merged = mergeRanges(ranges);
  const far = canPrefetch(source) ? source : null;
  await far?.prefetch(merged, signal);
  const pieces: HeldPiece[] = [];
  for (const { start, end } of merged) pieces.push({ start, bytes: await source.read(start, end) });
  await far?.prefetch([], signal);
  return pieces;
}
