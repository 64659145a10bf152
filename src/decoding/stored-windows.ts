import { type ByteSource, canPrefetch, type SyncByteSource } from "../bytes/byte-source.ts";
import type { Decoder, Opened, StoredRange, Together } from "./decoder.ts";
import { cut, type Held, unionsOf } from "./stored-pieces.ts";

/** Elements of one decoder whose stored bytes are read together, see `Decoder.together`. */
export interface Window {
  /** Where its values begin in the virtual file: what tells windows apart. */
  readonly at: number;
  readonly decoder: Decoder;
  readonly together: Together;
  readonly first: number;
  readonly count: number;
}

/** Bytes asked of a file in one read. */
const READ = 4 << 20;
const ALIGNMENT = 8;
/** How much larger than the window the room may be that an earlier one took. */
const MOST_ROOM = 8;
/** Bytes that are announced at a time. */
const ANNOUNCED = 32 << 20;

/**
 * The window that was used last, opened, for anyone who reads on in it: what needs a window whole must not read it again for
 * every few rows. Memory: that window; the next one too, while somebody still uses this one.
 */
export class StoredWindows {
  readonly #files: readonly ByteSource[];
  #kept: { readonly window: Window; readonly opened: Promise<Opened> } | null = null;
  #keptNow: { readonly window: Window; readonly opened: Opened } | null = null;
  /** Where windows are read at once, one after the other: pages that were never touched cost as much as what is read to them. */
  #room = new Uint8Array(0);

  constructor(files: readonly ByteSource[]) {
    this.#files = files;
  }

  /** Read at once; all files are such. What is opened is good until the next window is. */
  now(window: Window): Opened {
    if (this.#keptNow?.window.at === window.at) return this.#keptNow.opened;
    this.#keptNow = null;
    const ranges = rangesOf(window);
    const total = ranges.reduce((sum, { start, end }) => sum + roomFor(end - start), 0);
    if (this.#room.length < total || this.#room.length > MOST_ROOM * total) this.#room = new Uint8Array(total);
    let at = 0;
    const held = ranges.map((range): Held => {
      const bytes = this.#room.subarray(at, at + range.end - range.start);
      (this.#files[range.file] as SyncByteSource).readIntoSync(bytes, range.start);
      at += roomFor(bytes.length);
      return { ...range, bytes };
    });
    const opened = open(window, held);
    this.#keptNow = { window, opened };
    return opened;
  }

  /** @param announced whether files that can may forget what was announced to them before, for being told of this */
  later(window: Window, announced = false, signal?: AbortSignal): Promise<Opened> {
    if (this.#isKept(window)) return this.#kept!.opened;
    const opened = this.#read(window, announced, signal).then((held) => open(window, held));
    const kept = { window, opened };
    this.#kept = kept;
    // A failure is told to the one who waits for it, and not kept.
    opened.catch(() => {
      if (this.#kept === kept) this.#kept = null;
    });
    return opened;
  }

  forget(): void {
    this.#kept = null;
    this.#keptNow = null;
    this.#room = new Uint8Array(0);
  }

  /**
   * Windows one after the other, each opened, by files that fetch what is announced to them; what was announced before
   * is forgotten. Small ones are fetched together.
   */
  async *announced(windows: readonly Window[], signal?: AbortSignal): AsyncGenerator<readonly [Window, Opened]> {
    for (let at = 0; at < windows.length; ) {
      const pieces: StoredRange[] = [];
      let end = at;
      for (let bytes = 0; end < windows.length; end++) {
        const own = this.#isKept(windows[end]!) ? [] : piecesOf(rangesOf(windows[end]!));
        bytes += bytesIn(own);
        if (end > at && bytes > ANNOUNCED) break;
        pieces.push(...own);
      }
      const together = bytesIn(pieces) <= ANNOUNCED;
      if (together && pieces.length > 0) await this.#prefetch(pieces, signal);
      for (; at < end; at++) yield [windows[at]!, await this.later(windows[at]!, !together, signal)];
    }
  }

  #isKept(window: Window): boolean {
    return this.#kept?.window.at === window.at;
  }

  async #prefetch(pieces: readonly StoredRange[], signal?: AbortSignal): Promise<void> {
    const own = this.#files.map((source, file) => ({ source, ranges: pieces.filter((piece) => piece.file === file) }));
    await Promise.all(own.map(({ source, ranges }) => (canPrefetch(source) ? source.prefetch(ranges, signal) : null)));
  }

  async #read(window: Window, announced: boolean, signal?: AbortSignal): Promise<readonly Held[]> {
    const held = rangesOf(window).map((range): Held => ({ ...range, bytes: new Uint8Array(range.end - range.start) }));
    const pieces = piecesOf(held);
    for (let at = 0, own = 0; at < pieces.length; ) {
      let end = at;
      for (let bytes = 0; end < pieces.length && (end === at || bytes <= ANNOUNCED); end++) {
        bytes += pieces[end]!.end - pieces[end]!.start;
      }
      signal?.throwIfAborted();
      if (announced) await this.#prefetch(pieces.slice(at, end), signal);
      for (; at < end; at++) {
        const { file, start, end: last } = pieces[at]!;
        while (held[own]!.file !== file || held[own]!.end < last) own++;
        held[own]!.bytes.set(await this.#files[file]!.read(start, last), start - held[own]!.start);
      }
    }
    return held;
  }
}

function open({ decoder, together, first, count }: Window, held: readonly Held[]): Opened {
  return together.open(cut(decoder.ranges(first, count), held), first, count);
}

/** Bytes behind one another so that words of the next ones lie where words may lie. */
function roomFor(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function rangesOf({ decoder, first, count }: Window) {
  return unionsOf(decoder.ranges(first, count));
}

/** In the same order, none of them long. */
function piecesOf(ranges: readonly StoredRange[]): StoredRange[] {
  const pieces: StoredRange[] = [];
  for (const { file, start, end } of ranges) {
    for (let at = start; at < end; at += READ) pieces.push({ file, start: at, end: Math.min(at + READ, end) });
  }
  return pieces;
}

function bytesIn(ranges: readonly StoredRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}
