import { realpath } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
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
}

/** Resolves a model's directory. In a cache it is `models--org--name/snapshots/<revision>`, beside `blobs`. */
export async function resolveRoot(path: string): Promise<Root> {
  const real = await realpath(path).catch((error) => {
    throw fileError(error, path);
  });
  for (let at = real; dirname(at) !== at; at = dirname(at)) {
    if (basename(dirname(at)) !== "snapshots") continue;
    const blobs = join(dirname(dirname(at)), "blobs");
    // Only a real directory: a link called "blobs" would let the links of a snapshot lead anywhere.
    const isReal = (await realpath(blobs).catch(() => null)) === blobs;
    return { path, real, blobs: isReal ? blobs : null };
  }
  return { path, real, blobs: null };
}

/**
 * The real path of a file of the model.
 *
 * @param relative "/"-separated and checked
 * @throws PATH_ESCAPES_ROOT when a link leads out of the directory (CWE-59), FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function resolveInside(root: Root, relative: string): Promise<string> {
  const path = join(root.path, relative);
  const real = await realpath(join(root.real, relative)).catch((error) => {
    throw fileError(error, path);
  });
  const allowed = root.blobs === null ? [root.real] : [root.real, root.blobs];
  if (allowed.some((directory) => real.startsWith(directory.endsWith(sep) ? directory : directory + sep))) return real;
  throw new WeightmarkError("PATH_ESCAPES_ROOT", "a symbolic link leads out of the model's directory", {
    file: path,
    detail: "Copy the file into the directory if it belongs to the model.",
  });
}
