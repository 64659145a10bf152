import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { WeightmarkError } from "../errors.ts";
import { absenceOf } from "./absence.ts";
import { fsPath } from "./path-text.ts";

/** Which file this is and in which state: enough to notice that it was replaced, resized or written to. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

export function identityOf(stats: BigIntStats): FileIdentity {
  return { dev: stats.dev, ino: stats.ino, size: stats.size, mtimeNs: stats.mtimeNs };
}

export function sameIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isFIFO()) return "a FIFO";
  if (stats.isSocket()) return "a socket";
  return "a device";
}

/** Throws NOT_A_REGULAR_FILE unless `stats` describe a regular file. */
export function requireRegular(stats: BigIntStats, path: string): void {
  if (stats.isFile()) return;
  throw new WeightmarkError("NOT_A_REGULAR_FILE", `${kindOf(stats)} stands where a file is needed`, { file: path });
}

/** What helps against the failures that say what they come from; the others are left to the code's own advice. */
const REMEDIES = new Map([
  ["EACCES", "Give this user the right to read it, and to enter the directories above it."],
  ["EPERM", "Give this user the right to read it."],
  ["ELOOP", "Name what the links should lead to, or mend the one that leads back."],
  ["EMFILE", "Close other files, do less at a time, or allow the process more open files (ulimit -n)."],
  ["ENFILE", "Close other programs: the whole machine has no more files to open."],
  ["ENAMETOOLONG", "Give a shorter path."],
]);

/** The refusal for a failed file system call: FILE_NOT_FOUND or FILE_UNREADABLE. */
export function fileError(cause: unknown, path: string): WeightmarkError {
  if (cause instanceof WeightmarkError) return cause;
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR" || code === "ERR_INVALID_ARG_VALUE") {
    const { message, detail } = absenceOf(path);
    return new WeightmarkError("FILE_NOT_FOUND", message, { file: path, detail, cause });
  }
  const reason = code === "ELOOP" ? "symbolic links form a loop" : `cannot be read (${code ?? String(cause)})`;
  return new WeightmarkError("FILE_UNREADABLE", reason, { file: path, detail: REMEDIES.get(code ?? ""), cause });
}

/**
 * Opens a regular file for reading. Looks before it opens, because opening a device can act on it, and opens
 * non-blocking and looks again, because a FIFO put there in between would hang the process for ever.
 */
export async function openRegularFile(path: string): Promise<{ handle: FileHandle; identity: FileIdentity }> {
  let handle: FileHandle | undefined;
  try {
    requireRegular(await stat(fsPath(path), { bigint: true }), path);
    // O_NONBLOCK does not exist on Windows, where there are no FIFOs in the file system.
    handle = await open(fsPath(path), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = await handle.stat({ bigint: true });
    requireRegular(stats, path);
    return { handle, identity: identityOf(stats) };
  } catch (error) {
    await handle?.close();
    throw fileError(error, path);
  }
}
