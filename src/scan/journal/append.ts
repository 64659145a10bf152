import { writeError } from "../../bytes/atomic-file.ts";
import { type Writable, writeFully } from "../../bytes/write-fully.ts";
import { type LineKind, lineSum, writeLine } from "./line.ts";

/** What a journal needs of its file; what tests put faults into. */
export interface JournalHandle extends Writable {
  read(target: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Where a line lies, and when it is there for good. */
export interface Appended {
  readonly offset: number;
  /** Bytes, newline included. */
  readonly length: number;
  readonly sum: number;
  readonly durable: Promise<void>;
}

/**
 * Appends lines so that they survive a power cut. Lines that come while the disk is busy go together, with one sync: a
 * sync takes milliseconds, and a scan finishes items faster than that.
 *
 * After a failed write or sync the file is cut back to what is known to be durable, and nothing more is taken: what the
 * disk holds of a failed sync cannot be known (Linux drops the pages and the next sync succeeds).
 */
export class JournalAppender {
  readonly #handle: JournalHandle;
  readonly #path: string;
  #check: string;
  /** End of the file once everything taken is written. */
  #end: number;
  #durable: number;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | null = null;
  #broken: Error | null = null;

  constructor(handle: JournalHandle, path: string, end: number, check: string) {
    this.#handle = handle;
    this.#path = path;
    this.#end = end;
    this.#durable = end;
    this.#check = check;
  }

  append(kind: LineKind, value: unknown): Appended {
    if (this.#broken !== null) throw this.#broken;
    const { text, check } = writeLine(this.#check, kind, value);
    const bytes = Buffer.from(text, "utf8");
    const offset = this.#end;
    this.#check = check;
    this.#end += bytes.length;
    const durable = new Promise<void>((resolve, reject) => this.#waiting.push({ bytes, resolve, reject }));
    this.#draining ??= this.#drain();
    return { offset, length: bytes.length, sum: lineSum(bytes.subarray(0, -1)), durable };
  }

  /** Resolves when everything taken so far is on disk; throws WRITE_FAILED when it cannot be. */
  async flush(): Promise<void> {
    await this.#draining;
    if (this.#broken !== null) throw this.#broken;
  }

  async #drain(): Promise<void> {
    // What is taken in the same turn of the event loop goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0 && this.#broken === null) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(Buffer.concat(group.map(({ bytes }) => bytes)));
        for (const { resolve } of group) resolve();
      } catch (cause) {
        const error = writeError(cause, this.#path);
        this.#broken = error;
        await this.#handle.truncate(this.#durable).catch(() => undefined);
        for (const { reject } of [...group, ...this.#waiting]) reject(error);
      }
    }
    this.#draining = null;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await writeFully(this.#handle, bytes, this.#durable);
    await this.#handle.datasync();
    this.#durable += bytes.length;
  }
}
