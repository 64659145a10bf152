/** Bytes at rest, wherever they lie. Formats know nothing else about files, so HTTP ranges fit the same seam. */
export interface ByteSource {
  /** Path or address as the user gave it; shown (escaped) in messages. */
  readonly location: string;
  /** Size in bytes, a safe integer. */
  readonly size: number;
  /** Exactly the bytes [start, end); throws READ_OUT_OF_RANGE or CHANGED_DURING_READ, never returns fewer. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** Throws CHANGED_DURING_READ when the source is no longer the one that was opened. */
  verifyUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** A source that can fill memory at once: local files and buffers. The hot loops read straight into WebAssembly memory. */
export interface SyncByteSource extends ByteSource {
  /** Fills the whole of `target` from `start`. */
  readIntoSync(target: Uint8Array, start: number): void;
}

export function isSync(source: ByteSource): source is SyncByteSource {
  return "readIntoSync" in source;
}

/** Bytes [start, end) of a source. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A source far away, where every read is a request: anyone who knows what comes next says so. */
export interface PrefetchingSource extends ByteSource {
  /**
   * Fetches what will be read next, neighbouring ranges in one request and several requests at a time. Reads inside of
   * these ranges are then served from memory, until the next call, which drops what the one before fetched.
   *
   * @param ranges in any order; they may overlap
   */
  prefetch(ranges: readonly ByteRange[], signal?: AbortSignal): Promise<void>;
}

export function canPrefetch(source: ByteSource): source is PrefetchingSource {
  return "prefetch" in source;
}
