import type { Dirent } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { fileError } from "../bytes/regular-file.ts";
import { isTemporaryName } from "../bytes/temporary-name.ts";
import { statModel } from "../checkpoint/local-folder.ts";
import { isWeightName } from "../checkpoint/weight-name.ts";
import { WeightmarkError } from "../errors.ts";
import { directoryTargets, fileTarget } from "./directory-targets.ts";
import { failedItem } from "./failure.ts";
import { type Found, isItem } from "./inputs.ts";
import { below, nameOf, type Place } from "./local-place.ts";
import { plainTarget, type ScanTarget } from "./target.ts";

/** A directory of more entries is not walked: its names are all in memory at once (CWE-770). */
const MAX_ENTRIES = 1_000_000;

/** What lies in the cache of a Hub client beside snapshots, and in a clone beside the files: nothing that has a name. */
const NOT_WALKED = new Set([".git", ".locks", ".no_exist"]);
const BESIDE_SNAPSHOTS = new Set(["blobs", "refs"]);

/**
 * Models under a local path, in code-unit order of their directories. What lies in subdirectories is another model; files
 * of one directory are one only where something says so, see `modelsOf`. Links are not walked; one to a directory that is
 * itself a model, and inside of the root, is a target, which turns out to be a duplicate.
 *
 * @param hubCache this machine's own Hub cache, whose names of blobs are believed: anywhere else somebody may have called
 *   a file by another's digest, to be taken for it (CWE-345)
 */
export async function* localTargets(
  root: string,
  hubCache: string | null,
  signal?: AbortSignal,
): AsyncGenerator<Found> {
  const stats = await statModel(root).catch((error: WeightmarkError) => error);
  if (stats instanceof WeightmarkError) return yield failedItem(plainTarget(root, basename(root)), stats);
  if (!stats.isDirectory()) return yield await fileTarget(root);
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
    const targets: Found[] = await directoryTargets(place, entries.files, root, believed);
    for (const name of entries.links) targets.push(...(await linkTargets(below(place, name), real, root, believed)));
    found += targets.length;
    yield* targets;
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
      const isNamedFile = isWeightName(entry.name) || /\.json$/i.test(entry.name);
      if (entry.isSymbolicLink() && !isNamedFile) links.push(entry.name);
    }
  }
  return { files, directories: directories.sort(), links: links.sort() };
}

/** What an embedding has not written to its end is no model yet. */
function isWalked({ name }: Dirent, parent: string): boolean {
  if (isTemporaryName(name)) return false;
  return !NOT_WALKED.has(name) && !(BESIDE_SNAPSHOTS.has(name) && basename(parent).startsWith("models--"));
}

/** A link in a walk: targets when it leads to a model's directory inside of the root, else nothing to walk. */
async function linkTargets(place: Place, realRoot: string, root: string, believed: string | null): Promise<Found[]> {
  const real = await realpath(place.path).catch(() => null);
  const isDirectory =
    real !== null &&
    (await stat(real).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  if (!isDirectory) return [];
  const target = plainTarget(place.path, nameOf(place, root));
  if (real !== realRoot && !real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    const refusal = new WeightmarkError("PATH_ESCAPES_ROOT", "a symbolic link that leads out of the root", {
      file: place.path,
      detail: "Name the directory it leads to as a root of its own if it is to be scanned.",
    });
    return [{ ...failedItem(target, refusal), status: "skipped" }];
  }
  const entries = await entriesOf(real).catch(() => null);
  return entries === null ? [] : directoryTargets(place, entries.files, root, believed);
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
