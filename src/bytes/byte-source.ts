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
