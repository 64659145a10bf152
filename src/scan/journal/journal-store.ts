import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { writeError, writeFileAtomic } from "../../bytes/atomic-file.ts";
import { closing } from "../../bytes/closing.ts";
import { makeDirectory } from "../../bytes/make-directory.ts";
import { fileError, openRegularFile } from "../../bytes/regular-file.ts";
import { WeightmarkError } from "../../errors.ts";
import { type Lock, takeLock } from "../../registry/lock.ts";
import type { ScanItem } from "../item.ts";
import { differingFields, type ScanParameters } from "../parameters.ts";
import type { ResultStore } from "../result-store.ts";
import { scanItemOf } from "../stored-item.ts";
import { JournalAppender, type JournalHandle } from "./append.ts";
import type { ItemIndex } from "./index-of-items.ts";
import { contentOf, lineSum, NO_CHECK, writeLine } from "./line.ts";
import { corrupt, type JournalContent, readHeader, readJournal, SCHEMA } from "./read-journal.ts";

export interface JournalOptions {
  /**
   * What to do with a journal that is there: `begin` replaces a complete one and refuses an unfinished one, `resume` goes on
   * with either, `restart` replaces either. @default "begin"
   */
  readonly mode?: "begin" | "resume" | "restart" | undefined;
  /** @default fs.open of the regular file, for reading and writing */
  readonly open?: ((path: string) => Promise<JournalHandle>) | undefined;
}

/** Lines read at a time while results are listed. */
const READ_AHEAD = 32;

/**
 * Opens or makes the journal of a scan: an append-only file that has one writer at a time.
 *
 * @throws SCAN_JOURNAL_LOCKED at once when another process writes to it; SCAN_UNFINISHED, SCAN_DIFFERS,
 *   SCAN_JOURNAL_CORRUPT, NOT_A_REGULAR_FILE, FILE_UNREADABLE, WRITE_FAILED
 */
export async function openJournal(
  path: string,
  parameters: ScanParameters,
  options: JournalOptions = {},
): Promise<ResultStore & AsyncDisposable> {
  await makeDirectory(dirname(path), path);
  const lock = await takeLock(`${path}.lock`, {
    timeoutMs: 0,
    code: "SCAN_JOURNAL_LOCKED",
    message: "another process is writing to this journal",
  });
  let handle: JournalHandle | null = null;
  try {
    const mode = options.mode ?? "begin";
    const openHandle = options.open ?? openForWriting;
    handle = await openIfThere(path, openHandle);
    const found = handle === null ? null : await contentFor(handle, path, mode);
    if (handle !== null && found !== null && mode === "resume") {
      requireSame(found.parameters, parameters, path);
      await handle.truncate(found.end).catch((error) => {
        throw writeError(error, path);
      });
      return closing(new JournalStore(handle, path, found, lock));
    }
    await handle?.close();
    handle = null;
    const header = writeLine(NO_CHECK, "scan", { schema: SCHEMA, parameters });
    await writeFileAtomic(path, Buffer.from(header.text), { overwrite: true });
    handle = await openHandle(path);
    const fresh = await readJournal(handle, path);
    if (fresh === null) throw corrupt(path, "was emptied by somebody else");
    return closing(new JournalStore(handle, path, fresh, lock));
  } catch (error) {
    await handle?.close().catch(() => undefined);
    lock.release();
    throw error;
  }
}

async function openForWriting(path: string): Promise<JournalHandle> {
  const { handle } = await openRegularFile(path);
  await handle.close();
  return open(path, "r+").catch((error: NodeJS.ErrnoException) => {
    // It could be read a moment ago: what fails is to write to it.
    throw error.code === "ENOENT" ? fileError(error, path) : writeError(error, path);
  });
}

async function openIfThere(path: string, openHandle: (path: string) => Promise<JournalHandle>) {
  return openHandle(path).catch((cause) => {
    const error = fileError(cause, path);
    if (error.code === "FILE_NOT_FOUND") return null;
    throw error;
  });
}

/** What matters of a journal that is there, or null when nothing of it is to be kept. */
async function contentFor(handle: JournalHandle, path: string, mode: string): Promise<JournalContent | null> {
  if (mode === "restart") {
    await readHeader(handle, path);
    return null;
  }
  const content = await readJournal(handle, path);
  if (content === null || mode === "resume") return content;
  if (content.complete || content.index.size === 0) return null;
  throw new WeightmarkError("SCAN_UNFINISHED", `an unfinished scan of ${content.index.size} results is here`, {
    file: path,
    detail: "Go on with `resume`, begin anew with `restart`, or name another `journal`.",
  });
}

function requireSame(stored: ScanParameters, wanted: ScanParameters, path: string): void {
  const fields = differingFields(stored, wanted);
  if (fields.length === 0) return;
  throw new WeightmarkError("SCAN_DIFFERS", `the journal is of another scan: ${fields.join(", ")} differ`, {
    file: path,
    detail: "Repeat what it was begun with, begin anew with `restart`, or name another `journal`.",
  });
}

class JournalStore implements ResultStore {
  readonly parameters: ScanParameters;
  readonly #handle: JournalHandle;
  readonly #path: string;
  readonly #index: ItemIndex;
  readonly #appender: JournalAppender;
  readonly #lock: Lock;
  #complete: boolean;
  #closed: Promise<void> | null = null;

  constructor(handle: JournalHandle, path: string, content: JournalContent, lock: Lock) {
    this.parameters = content.parameters;
    this.#handle = handle;
    this.#path = path;
    this.#index = content.index;
    this.#complete = content.complete;
    this.#appender = new JournalAppender(handle, path, content.end, content.check);
    this.#lock = lock;
  }

  get complete(): boolean {
    return this.#complete;
  }

  async put(item: ScanItem): Promise<boolean> {
    if (this.#complete) throw new WeightmarkError("INTERNAL", "a result came after the end of its scan");
    if (this.#index.get(item.id)?.passing === false) {
      // Perhaps taken a moment ago: anyone who is told that it is there may rely on it.
      await this.#appender.flush();
      return false;
    }
    this.#lock.requireHeld();
    const { offset, length, sum, durable } = this.#appender.append("item", item);
    this.#index.set(item.id, { offset, length, sum, passing: item.failure?.passing ?? false });
    await durable;
    return true;
  }

  async get(id: string): Promise<ScanItem | null> {
    return this.#index.get(id) === null ? null : this.#read(id);
  }

  async finished(): Promise<ReadonlySet<string>> {
    return this.#index.finished();
  }

  async *items(): AsyncGenerator<ScanItem> {
    const ids = this.#index.ids();
    for (let at = 0; at < ids.length; at += READ_AHEAD) {
      yield* await Promise.all(ids.slice(at, at + READ_AHEAD).map((id) => this.#read(id)));
    }
  }

  async finish(): Promise<void> {
    if (this.#complete) return;
    this.#lock.requireHeld();
    this.#complete = true;
    await this.#appender.append("end", { items: this.#index.size }).durable;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // A write that failed was reported to the one who waited for it.
    await this.#appender.flush().catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
    this.#lock.release();
  }

  async #read(id: string): Promise<ScanItem> {
    const { offset, length, sum } = this.#index.get(id)!;
    // It may have been taken a moment ago.
    await this.#appender.flush();
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw corrupt(this.#path, "was cut while it was open");
      done += bytesRead;
    }
    const line = bytes.subarray(0, -1);
    const item = lineSum(line) === sum ? scanItemOf(contentOf(line.toString("utf8")).value) : null;
    if (item === null) throw corrupt(this.#path, `was altered at byte ${offset} or behind it while it was open`);
    return item;
  }
}
