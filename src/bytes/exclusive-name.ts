import { closeSync, openSync, renameSync, rmSync } from "node:fs";
import { link, lstat, unlink } from "node:fs/promises";

/**
 * Gives a file that is all there the name `path`, unless something has that name already: false then, and the file stays where
 * it was. A hard link does both at once. File systems without hard links (FAT, many in user space) answer with one of many
 * errors; there an empty file reserves the name, and the whole one replaces it.
 *
 * @throws what the file system throws
 */
export async function nameExclusively(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return reserveAndReplace(temporary, path);
    if (!(await isOneFile(temporary, path))) return false;
  }
  // A second name that stays behind is untidy, not a reason to call the file unnamed.
  await unlink(temporary).catch(() => undefined);
  return true;
}

/** Over NFS a link that was made may be answered as one that is there: the first reply was lost, and the request came again. */
async function isOneFile(temporary: string, path: string): Promise<boolean> {
  const [a, b] = await Promise.all([temporary, path].map((name) => lstat(name, { bigint: true }).catch(() => null)));
  return Boolean(a && b) && a!.nlink > 1n && a!.ino === b!.ino && a!.dev === b!.dev;
}

/** Without a turn of the event loop in between, so that only a process that is killed can leave the empty file behind. */
function reserveAndReplace(temporary: string, path: string): boolean {
  try {
    closeSync(openSync(path, "wx"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  let isNamed = false;
  try {
    renameSync(temporary, path);
    isNamed = true;
  } finally {
    if (!isNamed) rmSync(path, { force: true });
  }
  return true;
}
