import type { Stats } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { entriesIn, fsPath, realPath } from "../bytes/path-text.ts";
import { fileError } from "../bytes/regular-file.ts";
import { resolveInside, resolveRoot } from "../checkpoint/inside-root.ts";
import { WeightmarkError } from "../errors.ts";
import { isIgnored } from "./ignore.ts";

/** No signature could hold more. */
const MAX_FILES = 1_000_000;
const MAX_DEPTH = 200;

/** One file below a root. */
export interface ListedFile {
  /** Relative to the root, "/"-separated. */
  readonly path: string;
  /** Where it really lies. */
  readonly place: string;
  readonly size: number;
}

/** What lies below a root. */
export interface Listing {
  /** What the model is called: the last part of its path. */
  readonly name: string;
  readonly root: string;
  /** The one file that was named itself, or false. */
  readonly isFile: boolean;
  readonly files: readonly ListedFile[];
  /** Links that are not followed: all of them, or with `followLinks` those to directories. */
  readonly links: readonly string[];
  /** Sockets, FIFOs and devices. */
  readonly special: readonly string[];
  /** What was left out, as far down as it was looked. */
  readonly ignored: readonly string[];
}

export interface ListOptions {
  /** Paths to leave out, each with all below it. */
  readonly ignored: ReadonlySet<string>;
  /** Files that are listed even so, with the directories that they lie in. @default none */
  readonly kept?: ReadonlySet<string> | undefined;
  /** Take the file that a link leads to for the link. */
  readonly followLinks: boolean;
  /** Directories that links may lead into, beside the root itself. */
  readonly allowLinks: readonly string[];
}

/**
 * Every file below a directory, or the one that was named itself.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE, SIGNATURE_LIMIT, PATH_ESCAPES_ROOT for a link that is followed
 */
export async function listFiles(path: string, options: ListOptions): Promise<Listing> {
  const stats = await orRefused(stat(fsPath(path)), path);
  const place = await orRefused(realPath(path), path);
  const name = basename(path.replace(/[/\\]+$/, ""));
  // "." and ".." are no names, and neither is the empty one of a root.
  const about = { name: /^\.{0,2}$/.test(name) ? basename(place) || "model" : name, root: path };
  if (stats.isDirectory()) return { ...about, isFile: false, ...(await listDirectory(path, options)) };
  if (!stats.isFile()) {
    throw new WeightmarkError("NOT_A_REGULAR_FILE", "neither a file nor a directory can be signed here", {
      file: path,
    });
  }
  const files = [{ path: about.name, place, size: stats.size }];
  return { ...about, isFile: true, files, links: [], special: [], ignored: [] };
}

async function listDirectory(path: string, { ignored, kept, followLinks, allowLinks }: ListOptions) {
  const root = await resolveRoot(path, allowLinks);
  const found = { files: [] as ListedFile[], links: [] as string[], special: [] as string[], ignored: [] as string[] };
  let seen = 0;

  async function visit(directory: string, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) throw tooMany(path, `has directories in one another deeper than ${MAX_DEPTH}`);
    const at = directory === "" ? root.real : join(root.real, directory);
    const names: string[] = [];
    try {
      for await (const { name } of entriesIn(at)) {
        if (++seen > MAX_FILES) throw tooMany(path, `holds more than ${MAX_FILES} files`);
        names.push(name);
      }
    } catch (error) {
      throw fileError(error, at);
    }
    for (const name of names.sort()) await look(directory === "" ? name : `${directory}/${name}`, depth);
  }

  async function look(relative: string, depth: number): Promise<void> {
    if (isIgnored(relative, ignored) && !kept?.has(relative)) {
      found.ignored.push(relative);
      return;
    }
    const place = join(root.real, relative);
    const stats = await orRefused(lstat(fsPath(place)), join(path, relative));
    if (stats.isDirectory()) await visit(relative, depth + 1);
    else if (stats.isFile()) found.files.push({ path: relative, place, size: stats.size });
    else if (!stats.isSymbolicLink()) found.special.push(relative);
    else if (!followLinks) found.links.push(relative);
    else await follow(relative);
  }

  async function follow(relative: string): Promise<void> {
    const place = await resolveInside(root, relative);
    const stats: Stats = await orRefused(stat(fsPath(place)), join(path, relative));
    if (stats.isFile()) found.files.push({ path: relative, place, size: stats.size });
    else (stats.isDirectory() ? found.links : found.special).push(relative);
  }

  await visit("", 0);
  return found;
}

/** The path of a file relative to a root, "/"-separated, where it lies in it; else null. Neither needs to be there. */
export async function pathBelow(file: string, root: string): Promise<string | null> {
  const real = await realPath(root).catch(() => null);
  const parent = await realPath(dirname(file)).catch(() => null);
  if (real === null || parent === null) return null;
  const place = join(parent, basename(file));
  const prefix = real.endsWith("/") ? real : `${real}/`;
  return place.replaceAll("\\", "/").startsWith(prefix.replaceAll("\\", "/"))
    ? place.slice(prefix.length).replaceAll("\\", "/")
    : null;
}

async function orRefused<T>(step: Promise<T>, path: string): Promise<T> {
  return step.catch((error) => {
    throw fileError(error, path);
  });
}

function tooMany(file: string, why: string): WeightmarkError {
  return new WeightmarkError("SIGNATURE_LIMIT", `the directory ${why}`, { file });
}
