import { lstat, opendir, stat } from "node:fs/promises";
import { openFileSource } from "../../bytes/file-source.ts";
import { fileError } from "../../bytes/regular-file.ts";
import { isTemporaryName } from "../../bytes/temporary-name.ts";
import { type Root, resolveInside } from "../../checkpoint/inside-root.ts";
import { MAX_DIRECTORY_ENTRIES } from "../../checkpoint/limits.ts";
import { WeightmarkError } from "../../errors.ts";
import { KEY_FORMAT } from "../key-record.ts";

/** What lies beside the weights of a model. */
export interface Companions {
  /** Files that belong into a copy: relative "/"-separated path and real path, in order of path. */
  readonly files: readonly { readonly path: string; readonly real: string; readonly bytes: number }[];
  /** What was left out, and files that deserve a look. */
  readonly notes: readonly string[];
}

/**
 * Names of files that hold weights, states of an optimizer, or archives of either: beside a marked copy any of them would
 * give the unmarked weights away; so would a sketch for re-synchronisation. An index of shards is only a list of names.
 */
const WEIGHTS =
  /\.(?:safetensors|bin|pth?|ckpt|gguf|ggml|llamafile|h5|hdf5|keras|msgpack|onnx|npy|npz|tflite|pkl|pickle|nemo|ot|pdparams|mlmodel|mlpackage|engine|sketch|zip|tar|t?gz|bz2|xz|zst|7z)(?:$|[._-])/i;
const INDEX = /\.index\.json$/i;

/** Files of this size that are not known as weights: vocabularies reach 40 MB. */
const LARGE_BYTES = 64 << 20;
/** Key files have a few hundred bytes; one that was edited may name its format anywhere. */
const KEY_HEAD_BYTES = 1 << 16;
const MAX_DEPTH = 16;
const MAX_LISTED = 5;

/**
 * Lists the files of a model's directory other than `weights` (relative paths). Links to files are followed inside the
 * model's directory and its cache; hidden directories (.git holds every weight a second time) and linked ones are left out.
 *
 * @throws DIRECTORY_TOO_LARGE, PATH_ESCAPES_ROOT, FILE_UNREADABLE
 */
export async function findCompanions(root: Root, weights: ReadonlySet<string>): Promise<Companions> {
  const files: { path: string; real: string; bytes: number }[] = [];
  const left = {
    weights: [] as string[],
    keys: [] as string[],
    hidden: [] as string[],
    special: [] as string[],
    unfinished: [] as string[],
  };
  let entries = 0;

  const visit = async (directory: string, depth: number): Promise<void> => {
    const names: string[] = [];
    for await (const { name } of await opendir(`${root.real}/${directory}`)) {
      if (++entries > MAX_DIRECTORY_ENTRIES || depth > MAX_DEPTH) throw tooLarge(root.path);
      names.push(name);
    }
    for (const name of names.sort()) {
      const path = directory === "" ? name : `${directory}/${name}`;
      if (weights.has(path)) continue;
      const found = await lstat(`${root.real}/${path}`);
      if (found.isDirectory()) {
        if (name.startsWith(".")) left.hidden.push(path);
        else await visit(path, depth + 1);
      } else if (isTemporaryName(name)) left.unfinished.push(path);
      else if (WEIGHTS.test(name) && !INDEX.test(name)) left.weights.push(path);
      else await visitFile(path);
    }
  };
  const visitFile = async (path: string): Promise<void> => {
    const real = await resolveInside(root, path).catch((error) => {
      if (error instanceof WeightmarkError && error.code === "FILE_NOT_FOUND") return null;
      throw error;
    });
    const stats = real === null ? null : await stat(real);
    if (real === null || !stats!.isFile()) left.special.push(path);
    else if (await isKeyFile(real)) left.keys.push(path);
    else files.push({ path, real, bytes: stats!.size });
  };
  await visit("", 0).catch((error) => {
    throw fileError(error, root.path);
  });

  const large = files.filter(({ bytes }) => bytes >= LARGE_BYTES).map(({ path }) => path);
  return {
    files,
    notes: [
      ...note("not copied, for it may hold the unmarked weights", left.weights),
      ...note("not copied, the key of a watermark", left.keys),
      ...note("not copied, a hidden directory", left.hidden),
      ...note("not copied, no regular file", left.special),
      ...note("not copied, left by a process that was killed", left.unfinished),
      ...note("copied as it is; make sure that it holds no weights", large),
    ],
  };
}

/** Whoever publishes a copy must not publish a key that lay beside the model. */
async function isKeyFile(path: string): Promise<boolean> {
  const source = await openFileSource(path);
  try {
    return Buffer.from(await source.read(0, Math.min(source.size, KEY_HEAD_BYTES))).includes(KEY_FORMAT);
  } finally {
    await source.close();
  }
}

function note(what: string, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const shown = paths.slice(0, MAX_LISTED).map((path) => JSON.stringify(path));
  if (paths.length > MAX_LISTED) shown.push(`${paths.length - MAX_LISTED} more`);
  return [`${what}: ${shown.join(", ")}`];
}

function tooLarge(file: string): WeightmarkError {
  return new WeightmarkError(
    "DIRECTORY_TOO_LARGE",
    `more than ${MAX_DIRECTORY_ENTRIES} entries, or more than ${MAX_DEPTH} directories in each other`,
    { file },
  );
}
