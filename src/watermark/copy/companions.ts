import { lstat, opendir, stat } from "node:fs/promises";
import { openFileSource } from "../../bytes/file-source.ts";
import { fileError } from "../../bytes/regular-file.ts";
import { isTemporaryName } from "../../bytes/temporary-name.ts";
import { type Root, resolveInside } from "../../checkpoint/inside-root.ts";
import { MAX_DIRECTORY_ENTRIES } from "../../checkpoint/limits.ts";
import { WeightmarkError } from "../../errors.ts";
import { contentOf } from "./companion-content.ts";

/** What lies beside the weights of a model. */
export interface Companions {
  /** Files that belong into a copy: relative "/"-separated path and real path, in order of path. */
  readonly files: readonly { readonly path: string; readonly real: string; readonly bytes: number }[];
  /** What was left out, and files that deserve a look. */
  readonly notes: readonly string[];
}

/** Why something is not copied. */
type Left = "weights" | "other" | "keys" | "outside" | "hidden" | "special" | "unfinished";

/**
 * Names of files that hold weights, states of an optimizer, or archives of either; so does a sketch for re-synchronisation. They
 * are not looked into: a pointer to weights, as Git LFS leaves it, does not belong beside a marked copy either.
 */
const WEIGHTS =
  /\.(?:safetensors|sft|bin|pth?|ckpt|gguf|ggml|llamafile|h5|hdf5|keras|msgpack|onnx|npy|npz|tflite|pkl|pickle|nemo|ot|pdparams|mlmodel|mlpackage|engine|sketch|zip|tar|t?gz|bz2|xz|zst|7z)(?:$|[._-])/i;
/** An index of shards is only a list of names, README.pt-br.md a text in Portuguese: what ends so is looked into. */
const ABOUT = /\.(?:json|jsonl|md|txt|rst|html?|ya?ml|toml|csv|py|jinja2?|sha256|md5)$/i;

/** Texts of this size: vocabularies reach 40 MB. */
const LARGE_BYTES = 64 << 20;
const MAX_DEPTH = 16;
/** Names of one kind that are told; the rest is a number. */
const MAX_LISTED = 40;
/** Reports cut a line that is longer than 300 characters. */
const MAX_LINE = 280;

/**
 * Lists the files of a model's directory other than `weights` (relative paths) that may go with a marked copy: texts, and
 * tokenizers that are known. Whatever else is binary may be the unmarked weights, which would give the mark away, and is left out
 * by name. Links to files are followed inside the model's directory and its cache; what a link brings in from elsewhere, hidden
 * directories (.git holds every weight a second time) and linked ones are left out.
 *
 * @throws DIRECTORY_TOO_LARGE, FILE_UNREADABLE
 */
export async function findCompanions(root: Root, weights: ReadonlySet<string>): Promise<Companions> {
  const files: { path: string; real: string; bytes: number }[] = [];
  const large: string[] = [];
  const left = {
    weights: [],
    other: [],
    keys: [],
    outside: [],
    hidden: [],
    special: [],
    unfinished: [],
  } as Record<Left, string[]>;
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
      else if (WEIGHTS.test(name) && !ABOUT.test(name)) left.weights.push(path);
      else await visitFile(path);
    }
  };
  const visitFile = async (path: string): Promise<void> => {
    const real = await resolveInside(root, path).catch(whyLeft);
    if (typeof real !== "string") left[real.left].push(path);
    else if (!(await stat(real)).isFile()) left.special.push(path);
    else {
      const { content, bytes } = await lookInto(real);
      if (content === "key") left.keys.push(path);
      else if (content === "other") left.other.push(path);
      else {
        files.push({ path, real, bytes });
        if (bytes >= LARGE_BYTES) large.push(path);
      }
    }
  };
  await visit("", 0).catch((error) => {
    throw fileError(error, root.path);
  });

  return {
    files,
    notes: [
      ...note("not copied, for it may hold the unmarked weights", left.weights),
      ...note("not copied, neither text nor a tokenizer (add what holds no weights by hand)", left.other),
      ...note("not copied, the key of a watermark", left.keys),
      ...note("not copied, a link that leads out of the model's directory", left.outside),
      ...note("not copied, a hidden directory", left.hidden),
      ...note("not copied, no regular file", left.special),
      ...note("not copied, left by a process that was killed", left.unfinished),
      ...note("copied as it is; make sure that it holds no weights", large),
    ],
  };
}

/** What becomes of a link that leads nowhere, to itself, or out of the directory; anything else that fails is thrown. */
function whyLeft(error: unknown): { readonly left: Left } {
  if (error instanceof WeightmarkError) {
    if (error.code === "PATH_ESCAPES_ROOT") return { left: "outside" };
    const isLoop = (error.cause as NodeJS.ErrnoException | undefined)?.code === "ELOOP";
    if (error.code === "FILE_NOT_FOUND" || isLoop) return { left: "special" };
  }
  throw error;
}

async function lookInto(real: string) {
  const source = await openFileSource(real);
  try {
    return { content: await contentOf(source), bytes: source.size };
  } finally {
    await source.close();
  }
}

/** As many lines as it takes to name them. */
function note(what: string, paths: readonly string[]): string[] {
  const shown = paths.slice(0, MAX_LISTED).map((path) => JSON.stringify(path));
  if (paths.length > MAX_LISTED) shown.push(`${paths.length - MAX_LISTED} more`);
  const lines: string[] = [];
  for (const name of shown) {
    const longer = lines.length === 0 ? null : `${lines.at(-1)}, ${name}`;
    if (longer !== null && longer.length <= MAX_LINE) lines[lines.length - 1] = longer;
    else lines.push(`${what}: ${name}`);
  }
  return lines;
}

function tooLarge(file: string): WeightmarkError {
  return new WeightmarkError(
    "DIRECTORY_TOO_LARGE",
    `more than ${MAX_DIRECTORY_ENTRIES} entries, or more than ${MAX_DEPTH} directories in each other`,
    { file },
  );
}
