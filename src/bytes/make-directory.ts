import { mkdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { WeightmarkError } from "../errors.ts";

/** Why `path` is no directory after this, or null: it was made, or was there. */
async function tryMake(path: string): Promise<NodeJS.ErrnoException | null> {
  const error = await mkdir(path).then(
    () => null,
    (reason: NodeJS.ErrnoException) => reason,
  );
  if (error === null || error.code === "ENOENT") return error;
  // What stands there already is told in many ways: EEXIST, EPERM for a drive, EROFS.
  const isThere = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  return isThere ? null : error;
}

/**
 * Makes a directory and those that it lies in, as far as they are missing. Not by Node's `recursive`, which asks without
 * end where a directory is there and yet has no room for another, as /proc: up to the first that is there, then down.
 *
 * @param shown what messages call the file or directory that it is made for
 * @throws WRITE_FAILED
 */
export async function makeDirectory(path: string, shown = path): Promise<void> {
  const missing: string[] = [];
  let at = path;
  let problem = await tryMake(at);
  while (problem?.code === "ENOENT" && dirname(at) !== at) {
    missing.push(at);
    at = dirname(at);
    problem = await tryMake(at);
  }
  while (problem === null && missing.length > 0) problem = await tryMake(missing.pop()!);
  if (problem === null) return;
  const why = problem.code ?? problem.message;
  throw new WeightmarkError("WRITE_FAILED", `${basename(shown)} could not be written (${why}: no directory for it)`, {
    file: shown,
    detail: "Name a place in which directories can be made.",
    cause: problem,
  });
}
