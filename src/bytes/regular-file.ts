import {
  type BigIntStats,
  closeSync,
  constants,
  fstat,
  fstatSync,
  type OpenMode,
  openSync,
  open as openWith,
  statSync,
} from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { WeightmarkError } from "../errors.ts";
import { machineLimit } from "../machine-limit.ts";
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
  ["ENAMETOOLONG", "Give a shorter path."],
]);

/** The refusal for a failed file system call: FILE_NOT_FOUND, FILE_UNREADABLE, or what the machine does not allow. */
export function fileError(cause: unknown, path: string): WeightmarkError {
  if (cause instanceof WeightmarkError) return cause;
  const limit = machineLimit(cause, path);
  if (limit !== null) return limit;
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR" || code === "ERR_INVALID_ARG_VALUE") {
    const { message, detail } = absenceOf(path);
    return new WeightmarkError("FILE_NOT_FOUND", message, { file: path, detail, cause });
  }
  const reason = code === "ELOOP" ? "symbolic links form a loop" : `cannot be read (${code ?? String(cause)})`;
  return new WeightmarkError("FILE_UNREADABLE", reason, { file: path, detail: REMEDIES.get(code ?? ""), cause });
}

/** Non-blocking, for a FIFO would hang the process for ever. O_NONBLOCK does not exist on Windows, where there are none. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a regular file for reading. Looks before it opens, because opening a device can act on it, and opens
 * non-blocking and looks again, because a FIFO may be put there in between.
 */
export async function openRegularFile(path: string): Promise<{ handle: FileHandle; identity: FileIdentity }> {
  let handle: FileHandle | undefined;
  try {
    requireRegular(await stat(fsPath(path), { bigint: true }), path);
    handle = await open(fsPath(path), FLAGS);
    const stats = await handle.stat({ bigint: true });
    requireRegular(stats, path);
    return { handle, identity: identityOf(stats) };
  } catch (error) {
    await handle?.close();
    throw fileError(error, path);
  }
}

const openLater = promisify<string | Buffer, OpenMode, number>(openWith);
const fstatLater = promisify<number, { bigint: true }, BigIntStats>(fstat);

/** A regular file that is open, by its number: it can be closed at once. */
export interface OpenedFile {
  readonly fd: number;
  readonly identity: FileIdentity;
}

/** The same, by its number. */
export async function openRegularFd(path: string): Promise<OpenedFile> {
  let fd: number | undefined;
  try {
    requireRegular(await stat(fsPath(path), { bigint: true }), path);
    fd = await openLater(fsPath(path), FLAGS);
    const stats = await fstatLater(fd, { bigint: true });
    requireRegular(stats, path);
    return { fd, identity: identityOf(stats) };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw fileError(error, path);
  }
}

/** The same at once. */
export function openRegularFdSync(path: string): OpenedFile {
  let fd: number | undefined;
  try {
    requireRegular(statSync(fsPath(path), { bigint: true }), path);
    fd = openSync(fsPath(path), FLAGS);
    const stats = fstatSync(fd, { bigint: true });
    requireRegular(stats, path);
    return { fd, identity: identityOf(stats) };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw fileError(error, path);
  }
}
