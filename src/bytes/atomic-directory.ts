import { rmSync } from "node:fs";
import { lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { WeightmarkError } from "../errors.ts";
import { undoOnExit } from "../unfinished.ts";
import { syncDirectory, writeError } from "./atomic-file.ts";
import { requireWritableName } from "./path-text.ts";
import { removeLeftovers, temporaryName } from "./temporary-name.ts";

/** What rename(2) answers where something stands that is no empty directory. */
const OCCUPIED = new Set(["EEXIST", "ENOTEMPTY", "ENOTDIR", "EPERM"]);

function occupied(path: string): WeightmarkError {
  return new WeightmarkError("OUTPUT_EXISTS", "the output exists", { file: path });
}

async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncTree(join(directory, entry.name));
  }
  await syncDirectory(directory);
}

/**
 * Makes a directory that is either all there or not there: `fill` writes into a `.tmp` beside it, which is given its name
 * at the end. The files in it must have been synced. A killed process can leave the `.tmp`, never half an output; the next
 * one that writes beside it takes it away.
 *
 * @throws OUTPUT_EXISTS when anything stands under the name, WRITE_FAILED, and what `fill` throws; nothing is left behind
 */
export async function writeDirectoryAtomic<T>(path: string, fill: (temporary: string) => Promise<T>): Promise<T> {
  requireWritableName(path);
  const target = resolve(path);
  if ((await lstat(target).catch(() => null)) !== null) throw occupied(path);
  // A copy that was killed may have left half of a large model.
  await removeLeftovers(dirname(target));
  const temporary = join(dirname(target), temporaryName());
  const settled = undoOnExit(() => rmSync(temporary, { recursive: true, force: true }));
  try {
    await mkdir(temporary).catch((error) => {
      throw writeError(error, path);
    });
    const result = await fill(temporary);
    await syncTree(temporary).catch((error) => {
      throw writeError(error, path);
    });
    await rename(temporary, target).catch((error: NodeJS.ErrnoException) => {
      throw OCCUPIED.has(error.code ?? "") ? occupied(path) : writeError(error, path);
    });
    await syncDirectory(dirname(target));
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  } finally {
    settled();
  }
}
