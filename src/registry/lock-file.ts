import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { type FileHandle, open, rename, stat, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeAdvice } from "../bytes/atomic-file.ts";
import { nameExclusively } from "../bytes/exclusive-name.ts";
import { temporaryName } from "../bytes/temporary-name.ts";
import { WeightmarkError } from "../errors.ts";

/** A lock file as it was seen. */
export interface Seen {
  readonly text: string;
  /** When it was last written to, milliseconds, by the clock of its file system. */
  readonly at: number;
}

/** The lock that is there, or null when none can be read. */
export async function look(path: string): Promise<Seen | null> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, "r");
    const { mtimeMs } = await handle.stat();
    return { text: await handle.readFile("utf8"), at: mtimeMs };
  } catch {
    return null;
  } finally {
    await handle?.close();
  }
}

/** Takes away a stale lock, and nothing else: what was moved aside is put back unless it is the lock that was judged. */
export async function breakLock(path: string, judged: string): Promise<void> {
  const aside = asideOf(path);
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const found = await look(aside);
  if (found !== null && found.text !== judged) await nameExclusively(aside, path).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
}

/**
 * A place for a lock that is not one yet, or no more: anyone who is killed meanwhile leaves it there under a name that tells so.
 */
export function asideOf(path: string): string {
  return join(dirname(path), temporaryName());
}

/**
 * Writes the lock to `aside` and gives it its name, so that no one ever sees one without its holder in it.
 *
 * @returns null when it is taken, else the time that the file system keeps, milliseconds
 */
export async function tryLock(path: string, mine: string, aside: string): Promise<number | null> {
  try {
    await writeFile(aside, mine, { flag: "wx" });
    const { mtimeMs } = await stat(aside);
    return (await nameExclusively(aside, path)) ? null : mtimeMs;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const detail = writeAdvice(error);
    throw new WeightmarkError("WRITE_FAILED", `the lock cannot be made (${code})`, {
      file: path,
      detail,
      cause: error,
    });
  } finally {
    await unlink(aside).catch(() => undefined);
  }
}

/**
 * Writes the same bytes again, which sets the time of the file by its own file system's clock. Whatever goes wrong is silence.
 */
export function beat(path: string, mine: string): void {
  try {
    const file = openSync(path, "r+");
    try {
      if (readFileSync(file, "utf8") === mine) writeSync(file, mine, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    // Another took it, or the disk is gone.
  }
}

/** Whether the file says just that. */
export function isIn(path: string, text: string): boolean {
  try {
    return readFileSync(path, "utf8") === text;
  } catch {
    return false;
  }
}
