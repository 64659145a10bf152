import { basename, dirname, join, sep } from "node:path";
import { realPath } from "../bytes/path-text.ts";
import { fileError } from "../bytes/regular-file.ts";
import { WeightmarkError } from "../errors.ts";

/** The directories that a model's files may really lie in. */
export interface Root {
  /** As the user gave it. */
  readonly path: string;
  /** With every link resolved. */
  readonly real: string;
  /** The blobs of the same model when `real` is a snapshot in a Hugging Face cache, whose files are links to them. */
  readonly blobs: string | null;
  /** Directories that links may lead into as well, as the user named them. */
  readonly allowed: readonly string[];
}

/** Whether a path lies below a directory, both with every link resolved. */
export function isBelow(real: string, directory: string): boolean {
  return real.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

/**
 * Resolves a model's directory. In a cache it is `models--org--name/snapshots/<revision>`, beside `blobs`.
 *
 * @param allowed directories that links in it may lead into
 */
export async function resolveRoot(path: string, allowed: readonly string[] = []): Promise<Root> {
  const real = await realPath(path).catch((error) => {
    throw fileError(error, path);
  });
  for (let at = real; dirname(at) !== at; at = dirname(at)) {
    if (basename(dirname(at)) !== "snapshots") continue;
    const blobs = join(dirname(dirname(at)), "blobs");
    // Only a real directory: a link called "blobs" would let the links of a snapshot lead anywhere.
    const isReal = (await realPath(blobs).catch(() => null)) === blobs;
    return { path, real, blobs: isReal ? blobs : null, allowed };
  }
  return { path, real, blobs: null, allowed };
}

/**
 * The real path of a file of the model.
 *
 * @param relative "/"-separated and checked
 * @throws PATH_ESCAPES_ROOT when a link leads out of the directory (CWE-59), FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function resolveInside(root: Root, relative: string): Promise<string> {
  const path = join(root.path, relative);
  const real = await realPath(join(root.real, relative)).catch((error) => {
    throw fileError(error, path);
  });
  const own = root.blobs === null ? [root.real] : [root.real, root.blobs];
  if (own.some((directory) => isBelow(real, directory)) || (await leadsInto(real, root.allowed))) return real;
  throw new WeightmarkError("PATH_ESCAPES_ROOT", "a symbolic link leads out of the model's directory", {
    file: path,
    detail: "Name the file itself, or allow it with `allowLinks`: the directory that the link leads into.",
  });
}

/** Whether a real path is, or lies in, one of the directories that links may lead into; one that is not there allows nothing. */
export async function leadsInto(real: string, allowed: readonly string[]): Promise<boolean> {
  for (const directory of allowed) {
    const found = await realPath(directory).catch(() => null);
    if (found !== null && (real === found || isBelow(real, found))) return true;
  }
  return false;
}
