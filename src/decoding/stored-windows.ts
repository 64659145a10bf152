import { type ByteSource, canPrefetch, type SyncByteSource } from "../bytes/byte-source.ts";
import type { Decoder, StoredRange } from "./decoder.ts";
import { type Held, unionsOf } from "./stored-pieces.ts";

/** Elements of one decoder whose stored bytes are read together, see `Decoder.together`. */
export interface Window {
  /** Where its values begin in the virtual file: what tells windows apart. */
  readonly at: number;
  readonly decoder: Decoder;
  readonly first: number;
  readonly count: number;
}

/** Bytes asked of a file in one read. */
const READ = 4 << 20;
/** Bytes that are announced at a time. */
const ANNOUNCED = 32 << 20;

/**
 * The stored bytes of the window that was used last, for anyone who reads on in it: what needs a window whole must not read it
 * again for every few rows. Memory: that window; the next one too, while somebody still uses this one.
 */
export class StoredWindows {
  readonly #files: readonly ByteSource[];
  #kept: { readonly window: Window; readonly held: Promise<readonly Held[]> } | null = null;
  #keptNow: { readonly window: Window; readonly held: readonly Held[] } | null = null;

  constructor(files: readonly ByteSource[]) {
    this.#files = files;
  }

  /** Read at once; all files are such. */
  now(window: Window): readonly Held[] {
    if (this.#keptNow?.window.at === window.at) return this.#keptNow.held;
    this.#keptNow = null;
    const held = rangesOf(window).map((range): Held => {
      const bytes = new Uint8Array(range.end - range.start);
      (this.#files[range.file] as SyncByteSource).readIntoSync(bytes, range.start);
      return { ...range, bytes };
    });
    this.#keptNow = { window, held };
    return held;
  }

  /** @param announced whether files that can may forget what was announced to them before, for being told of this */
  later(window: Window, announced = false, signal?: AbortSignal): Promise<readonly Held[]> {
    if (this.#isKept(window)) return this.#kept!.held;
    const held = this.#read(window, announced, signal);
    const kept = { window, held };
    this.#kept = kept;
    // A failure is told to the one who waits for it, and not kept.
    held.catch(() => {
      if (this.#kept === kept) this.#kept = null;
    });
    return held;
  }

  forget(): void {
    this.#kept = null;
    this.#keptNow = null;
  }

  /**
   * Windows one after the other, each with its bytes, by files that fetch what is announced to them; what was announced before
   * is forgotten. Small ones are fetched together.
   */
  async *announced(
    windows: readonly Window[],
    signal?: AbortSignal,
  ): AsyncGenerator<readonly [Window, readonly Held[]]> {
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
