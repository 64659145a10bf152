import type { BigIntStats, Dirent } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { fileError } from "../bytes/regular-file.ts";
import { classifyNames } from "../checkpoint/directory.ts";
import { weightContent } from "../checkpoint/hub/content.ts";
import { chooseLayout, isShardIndex, type Layout, withoutIndex } from "../checkpoint/layout.ts";
import { WeightmarkError } from "../errors.ts";
import { digestOf } from "../registry/digest.ts";
import { failedItem } from "./failure.ts";
import { type Found, isItem } from "./inputs.ts";
import type { ScanTarget } from "./target.ts";

/** One directory of a walk. */
interface Place {
  readonly path: string;
  /** Path below the root, "/"-separated; what its model is called. */
  readonly name: string;
}

/** A directory of more entries is not walked: its names are all in memory at once (CWE-770). */
const MAX_ENTRIES = 1_000_000;

/** What lies in the cache of a Hub client beside snapshots, and in a clone beside the files: nothing that has a name. */
const NOT_WALKED = new Set([".git", ".locks", ".no_exist"]);
const BESIDE_SNAPSHOTS = new Set(["blobs", "refs"]);
/** Where the Hub's cache keeps one commit of one repository. */
const SNAPSHOT = /(?:^|\/)models--([^/]+)\/snapshots\/([0-9a-f]{40})(?:\/(.*))?$/;

/**
 * Models under a local path, in code-unit order of their directories. A directory is a model when weights lie in it; what
 * lies in its subdirectories is another one. Links are not walked; one to a directory that is itself a model, and inside
 * of the root, is a target, which turns out to be a duplicate.
 *
 * @param hubCache this machine's own Hub cache, whose names of blobs are believed: anywhere else somebody may have called
 *   a file by another's digest, to be taken for it (CWE-345)
 */
export async function* localTargets(
  root: string,
  hubCache: string | null,
  signal?: AbortSignal,
): AsyncGenerator<Found> {
  const stats = await stat(root, { bigint: true }).catch((error) => fileError(error, root));
  if (stats instanceof WeightmarkError) return yield failedItem(plainTarget(root, basename(root)), stats);
  if (!stats.isDirectory()) return yield await fileTarget(root, stats);
  const real = await realpath(root);
  const believed = hubCache === null ? null : await realpath(hubCache).catch(() => null);
  const pending: Place[] = [{ path: root, name: "" }];
  let found = 0;
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    signal?.throwIfAborted();
    const entries = await entriesOf(place.path).catch((error) => fileError(error, place!.path));
    if (entries instanceof WeightmarkError) {
      found += 1;
      yield failedItem(plainTarget(place.path, nameOf(place, root)), entries);
      continue;
    }
    const target = await directoryTarget(place, entries.files, root, believed);
    if (target !== null) {
      found += 1;
      yield target;
    }
    for (const name of entries.links) {
      const linked = await linkTarget(below(place, name), real, root, believed);
      if (linked !== null) {
        found += 1;
        yield linked;
      }
    }
    // What cannot be decoded reads as U+FFFD: several directories may have one name, and only one can be looked into.
    const directories = new Set(entries.directories);
    if (directories.size < entries.directories.length) {
      found += 1;
      yield failedItem(
        plainTarget(join(place.path, "(names that are no UTF-8)"), nameOf(place, root)),
        new WeightmarkError("FILE_UNREADABLE", "directories whose names are no UTF-8 cannot be told apart", {
          file: place.path,
          detail: "Rename them: what lies in them was not looked at.",
        }),
      );
    }
    // The last one pushed is the next one walked.
    for (const name of [...directories].reverse()) pending.push(below(place, name));
  }
  if (found > 0) return;
  yield failedItem(
    plainTarget(root, basename(root)),
    new WeightmarkError("NO_WEIGHTS", "no weights in this directory, nor below it", { file: root }),
  );
}

function below({ path, name }: Place, entry: string): Place {
  return { path: join(path, entry), name: name === "" ? entry : `${name}/${entry}` };
}

/** "org/name@commit" in a cache, the path below the root elsewhere; the root's own name for the root. */
function nameOf({ path, name }: Place, root: string): string {
  const [, repository, commit, folder] = SNAPSHOT.exec(path.replaceAll(sep, "/")) ?? [];
  if (repository !== undefined) {
    return `${repository.replace("--", "/")}@${commit!.slice(0, 7)}${folder === undefined ? "" : `/${folder}`}`;
  }
  return name === "" ? basename(root) || root : name;
}

interface Entries {
  readonly files: readonly string[];
  readonly directories: string[];
  /** Symbolic links; where they lead is not known yet. */
  readonly links: readonly string[];
}

async function entriesOf(path: string): Promise<Entries> {
  const files: string[] = [];
  const directories: string[] = [];
  const links: string[] = [];
  let count = 0;
  for await (const entry of await opendir(path)) {
    if (++count > MAX_ENTRIES) {
      throw new WeightmarkError("DIRECTORY_TOO_LARGE", `more than ${MAX_ENTRIES} entries`, { file: path });
    }
    if (entry.isDirectory()) {
      if (isWalked(entry, path)) directories.push(entry.name);
    } else {
      files.push(entry.name);
      if (entry.isSymbolicLink() && !/\.(?:safetensors|json)$/.test(entry.name)) links.push(entry.name);
    }
  }
  return { files, directories: directories.sort(), links: links.sort() };
}

function isWalked({ name }: Dirent, parent: string): boolean {
  return !NOT_WALKED.has(name) && !(BESIDE_SNAPSHOTS.has(name) && basename(parent).startsWith("models--"));
}

/** The layout of a directory that holds weights of any kind, else null; "other" when no one model can be read from it. */
async function layoutOf(path: string, names: readonly string[]): Promise<Layout | "other" | null> {
  try {
    return chooseLayout(path, await classifyNames(names, path));
  } catch (error) {
    if (error instanceof WeightmarkError) return error.code === "NO_WEIGHTS" ? null : "other";
    throw error;
  }
}

async function directoryTarget(
  place: Place,
  names: readonly string[],
  root: string,
  believed: string | null,
): Promise<ScanTarget | null> {
  const layout = await layoutOf(place.path, names);
  if (layout === null) return null;
  const target = plainTarget(place.path, nameOf(place, root));
  if (layout === "other") return target;
  const weights = names.filter((name) => name.endsWith(".safetensors")).sort();
  const files = layout.index === null ? layout.files : [layout.index, ...weights];
  const facts = await factsOf(
    files.map((name) => join(place.path, name)),
    believed,
  );
  const [, , commit] = SNAPSHOT.exec(place.path.replaceAll(sep, "/")) ?? [];
  // Shards of other names may lie in other directories: an index that two models share does not make them one.
  const isWhole = withoutIndex(layout, { safetensors: weights }).index === null;
  return {
    ...target,
    revision: commit ?? null,
    // The index says which shards are read, and its own content is not known.
    content: layout.index === null ? facts.content : null,
    identity: isWhole ? facts.identity : null,
    bytes: layout.index === null ? facts.bytes : null,
  };
}

async function fileTarget(path: string, stats: BigIntStats): Promise<ScanTarget> {
  // An index alone says nothing of the weights: programs that save space link the equal indexes of different models.
  if (isShardIndex(path)) return plainTarget(path, basename(path));
  const { identity } = await factsOf([path], null);
  return { ...plainTarget(path, basename(path)), identity, bytes: Number(stats.size) };
}

/** A link in a walk: a target when it leads to a model's directory inside of the root, else nothing to walk. */
async function linkTarget(
  place: Place,
  realRoot: string,
  root: string,
  believed: string | null,
): Promise<Found | null> {
  const real = await realpath(place.path).catch(() => null);
  const isDirectory =
    real !== null &&
    (await stat(real).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  if (!isDirectory) return null;
  const target = plainTarget(place.path, nameOf(place, root));
  if (real !== realRoot && !real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    const refusal = new WeightmarkError("PATH_ESCAPES_ROOT", "a symbolic link that leads out of the root", {
      file: place.path,
      detail: "Name the directory it leads to as a root of its own if it is to be scanned.",
    });
    return { ...failedItem(target, refusal), status: "skipped" };
  }
  const entries = await entriesOf(real).catch(() => null);
  return entries === null ? null : directoryTarget(place, entries.files, root, believed);
}

interface Facts {
  readonly content: string | null;
  readonly identity: string | null;
  readonly bytes: number | null;
}

/** What is known of files without reading them. */
async function factsOf(paths: readonly string[], believed: string | null): Promise<Facts> {
  const lines: string[] = [];
  const blobs: { size: number; sha256: string | null }[] = [];
  let bytes = 0;
  for (const path of paths) {
    const stats = await stat(path, { bigint: true }).catch(() => null);
    if (stats === null) return { content: null, identity: null, bytes: null };
    lines.push(`${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs}\n`);
    blobs.push({ size: Number(stats.size), sha256: believed === null ? null : await blobDigest(path, believed) });
    bytes += Number(stats.size);
  }
  return { content: weightContent(blobs), identity: digestOf(lines.join("")), bytes };
}

/** In the Hub's cache a file is a link to its blob, which is named by its SHA-256 where it is of LFS. */
async function blobDigest(path: string, hubCache: string): Promise<string | null> {
  const real = await realpath(path).catch(() => null);
  if (real === null || !real.startsWith(hubCache + sep)) return null;
  return (
    /^models--[^/]+\/blobs\/([0-9a-f]{64})$/.exec(real.slice(hubCache.length + 1).replaceAll(sep, "/"))?.[1] ?? null
  );
}

/** Whether what lies at a local target by now is what was listed there, as far as can be told without reading it. */
export async function isAsListed(
  { location, content, identity }: ScanTarget,
  hubCache: string | null,
): Promise<boolean> {
  if (content === null && identity === null) return true;
  for await (const now of localTargets(location, hubCache)) {
    return !isItem(now) && now.content === content && now.identity === identity;
  }
  return false;
}

/** A target of which nothing is known but where it lies. */
export function plainTarget(path: string, name: string): ScanTarget {
  return {
    id: path,
    name,
    location: path,
    revision: null,
    content: null,
    identity: null,
    bytes: null,
    repository: null,
  };
}
