import { unlinkSync } from "node:fs";
import { type FileHandle, lstat, open, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { WeightmarkError } from "../errors.ts";
import { machineLimit } from "../machine-limit.ts";
import { undoOnExit } from "../unfinished.ts";
import { nameExclusively } from "./exclusive-name.ts";
import { requireWritableName } from "./path-text.ts";
import { removeLeftovers, temporaryName } from "./temporary-name.ts";
import { writeFully } from "./write-fully.ts";

/** Data of a file to be written: whole, or in pieces of any size that are never all in memory. */
export type FileContent = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface WriteOptions {
  /** Replace an existing regular file. @default false */
  readonly overwrite?: boolean | undefined;
  /** Permission bits, less the umask; in force before the first byte is written. @default 0o666 */
  readonly mode?: number | undefined;
  /** Take away what killed processes of this machine left beside it; not where a million files lie. @default true */
  readonly tidy?: boolean | undefined;
}

const ROOM = "Make room on that disk, or write somewhere else.";
const LEAVE = "Name a place that may be written to.";

/** What to do about a failed write, by what the system calls it. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ["ENOSPC", ROOM],
  ["EDQUOT", ROOM],
  ["EFBIG", "The system lets no file grow so large: raise that limit (ulimit -f), or write somewhere else."],
  ["EROFS", LEAVE],
  ["EACCES", LEAVE],
  ["EPERM", LEAVE],
  ["ENOENT", "Make the directory first, or name another."],
  ["ENOTDIR", "A file stands where a directory is needed: name another place."],
  ["EIO", "The disk fails: write somewhere else, and look after it."],
]);

/** One sentence on what to do next, or undefined where the system says too little. */
export function writeAdvice(cause: unknown): string | undefined {
  return ADVICE.get(String((cause as NodeJS.ErrnoException | null)?.code));
}

/**
 * The refusal for a failed write to `path`: WRITE_FAILED, what the machine does not allow, or the refusal that `cause` is
 * already.
 */
export function writeError(cause: unknown, path: string): WeightmarkError {
  if (cause instanceof WeightmarkError) return cause;
  const limit = machineLimit(cause, path);
  if (limit !== null) return limit;
  const message = `${basename(path)} could not be written (${(cause as Error).message})`;
  return new WeightmarkError("WRITE_FAILED", message, { file: path, detail: writeAdvice(cause), cause });
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}

/** Refuses what a rename must not replace: anything without leave, and anything but a regular file with it. */
async function requireReplaceable(path: string, overwrite: boolean): Promise<void> {
  if (!(await exists(path))) return;
  if (!overwrite) throw new WeightmarkError("OUTPUT_EXISTS", "the output exists", { file: path });
  // A rename onto /dev/stdout or /dev/null would replace the device itself.
  const target = await stat(path).catch(() => null);
  if (target !== null && !target.isFile()) {
    throw new WeightmarkError("NOT_A_REGULAR_FILE", "the output is no regular file", { file: path });
  }
}

/** Makes the new name survive a power cut. Not every platform lets a directory be synced; the data already is. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r").catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Gives `temporary` its final name; without `overwrite` it never replaces a file that appeared meanwhile. */
async function publish(temporary: string, path: string, overwrite: boolean): Promise<void> {
  if (overwrite) return rename(temporary, path);
  if (await nameExclusively(temporary, path)) return;
  throw new WeightmarkError("OUTPUT_EXISTS", "the output exists", { file: path });
}

/** A file that is all there, synced, under a name that means nothing. */
export interface StagedFile {
  /** Gives it its name. Throws OUTPUT_EXISTS, NOT_A_REGULAR_FILE, WRITE_FAILED; nothing is left behind then. */
  publish(): Promise<void>;
  /** Takes it away, unless it was published. */
  discard(): Promise<void>;
}

/**
 * Writes a `.tmp` beside `path`, to be published as it. An error of the content's own is passed on as it is.
 *
 * @throws OUTPUT_EXISTS, NOT_A_REGULAR_FILE, WRITE_FAILED; nothing is left behind
 */
export async function stageFile(path: string, content: FileContent, options: WriteOptions = {}): Promise<StagedFile> {
  requireWritableName(path);
  const overwrite = options.overwrite ?? false;
  await requireReplaceable(path, overwrite);
  const directory = dirname(path);
  if (options.tidy ?? true) await removeLeftovers(directory);
  const temporary = join(directory, temporaryName());
  const orFailed = <T>(step: Promise<T>) =>
    step.catch((error) => {
      throw writeError(error, path);
    });
  const settled = undoOnExit(() => unlinkSync(temporary));
  const discard = async () => {
    await unlink(temporary).catch(() => undefined);
    settled();
  };

  let handle: FileHandle | null = null;
  try {
    // "wx" is O_EXCL: a link planted under the temporary name is refused, not followed.
    handle = await orFailed(open(temporary, "wx", options.mode ?? 0o666));
    for await (const piece of content instanceof Uint8Array ? [content] : content) {
      await orFailed(writeFully(handle, piece));
    }
    await orFailed(handle.sync());
    // Some network file systems tell only here that the disk is full.
    await orFailed(handle.close());
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await discard();
    throw error;
  }
  let isOver = false;
  return {
    async publish() {
      isOver = true;
      try {
        await orFailed(publish(temporary, path, overwrite));
      } catch (error) {
        await discard();
        throw error;
      }
      settled();
      await syncDirectory(directory);
    },
    discard: async () => (isOver ? undefined : discard()),
  };
}

/**
 * Writes a file so that it is either all there or not there: a `.tmp` beside it, synced, then given its name.
 * An error of the content's own is passed on as it is. A killed process can leave the `.tmp`, never half an output;
 * the next one that writes beside it takes it away.
 *
 * @throws OUTPUT_EXISTS, NOT_A_REGULAR_FILE, WRITE_FAILED; nothing is left behind
 */
export async function writeFileAtomic(path: string, content: FileContent, options: WriteOptions = {}): Promise<void> {
  const staged = await stageFile(path, content, options);
  await staged.publish();
}
