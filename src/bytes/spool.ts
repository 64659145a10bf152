import { closeSync, openSync, readSync, rmSync, write } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { WeightmarkError } from "../errors.ts";
import { machineLimit } from "../machine-limit.ts";
import type { SyncByteSource } from "./byte-source.ts";
import { requireRange } from "./range.ts";
import { temporaryName } from "./temporary-name.ts";

const writeLater = promisify(write);

/** Bytes [start, end) of a spool. */
export interface Spooled {
  readonly start: number;
  readonly end: number;
}

/**
 * A file without a name in the system's directory for temporary files, for what was unpacked: its name is removed as soon
 * as it is open, so that nothing of it stays behind whatever ends the process. Made when the first bytes are written.
 */
export class Spool {
  readonly #directory: string;
  #fd: number | null = null;
  #size = 0;
  /** What is written stands together: writers follow one another. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param directory where it lies. @default TMPDIR, as Node finds it */
  constructor(directory: string = tmpdir()) {
    this.#directory = directory;
  }

  /**
   * Writes all that `chunks` gives, one behind the other.
   *
   * @throws WRITE_FAILED, and whatever `chunks` throws
   */
  add(chunks: AsyncIterable<Uint8Array>): Promise<Spooled> {
    const added = this.#last.then(() => this.#append(chunks));
    this.#last = added.catch(() => undefined);
    return added;
  }

  /** What was written as a source; closing it closes nothing. */
  source({ start, end }: Spooled, location: string): SyncByteSource {
    const size = end - start;
    const fill = (target: Uint8Array, from: number) => {
      requireRange(from, from + target.length, size, location);
      for (let done = 0; done < target.length; ) {
        const read = readSync(this.#fd!, target, done, Math.min(target.length - done, 1 << 30), start + from + done);
        if (read === 0)
          throw new WeightmarkError("CHANGED_DURING_READ", "what was unpacked is gone", { file: location });
        done += read;
      }
    };
    return {
      location,
      size,
      async read(from, to) {
        requireRange(from, to, size, location);
        const bytes = new Uint8Array(to - from);
        fill(bytes, from);
        return bytes;
      },
      readIntoSync: fill,
      async verifyUnchanged() {},
      async close() {},
    };
  }

  /** Gives the space back, once nothing is being written. */
  async close(): Promise<void> {
    await this.#last;
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  async #append(chunks: AsyncIterable<Uint8Array>): Promise<Spooled> {
    const start = this.#size;
    for await (const chunk of chunks) {
      try {
        this.#fd ??= this.#open();
        for (let done = 0; done < chunk.length; ) {
          const { bytesWritten } = await writeLater(this.#fd, chunk, done, chunk.length - done, this.#size + done);
          done += bytesWritten;
        }
      } catch (error) {
        throw this.#refusal(error);
      }
      this.#size += chunk.length;
    }
    return { start, end: this.#size };
  }

  #open(): number {
    const path = join(this.#directory, temporaryName());
    const fd = openSync(path, "wx+", 0o600);
    rmSync(path, { force: true });
    return fd;
  }

  #refusal(error: unknown): WeightmarkError {
    const limit = machineLimit(error, this.#directory);
    if (limit !== null) return limit;
    const { code, message } = error as NodeJS.ErrnoException;
    return new WeightmarkError(
      "WRITE_FAILED",
      `what is inside of an archive could not be unpacked (${code ?? message})`,
      {
        file: this.#directory,
        detail: "Set TMPDIR to a directory with more room, or unpack the archive yourself and name what comes out.",
        cause: error,
      },
    );
  }
}
