import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { type InsideLocation, insideLocation, splitInside } from "../bytes/inside-location.ts";
import { entriesIn, fsPath, realPath } from "../bytes/path-text.ts";
import { fileError } from "../bytes/regular-file.ts";
import { isTemporaryName } from "../bytes/temporary-name.ts";
import { isBelow, leadsInto } from "../checkpoint/inside-root.ts";
import { statModel } from "../checkpoint/local-folder.ts";
import { localPath } from "../checkpoint/location.ts";
import { WeightmarkError } from "../errors.ts";
import { isWeightName } from "../formats/safetensors/file-name.ts";
import { subjectName } from "../lineage/subject-name.ts";
import { archiveTargets } from "./archive-targets.ts";
import { directoryTargets, type FileNames, fileTarget, type Walk } from "./directory-targets.ts";
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
 * of one directory are one only where something says so, see `modelsOf`. Links are walked where they lead out of the root
 * and may. Another one to a directory that is itself a model, and inside of the root, is a target, which turns out to be a
 * duplicate.
 */
export async function* localTargets(
  location: string,
  { hubCache, allowLinks = [], signal }: LocalAccess,
): AsyncGenerator<Found> {
  const found = await rootAt(location).catch((error: WeightmarkError) => error);
  const inside = found instanceof WeightmarkError ? splitInside(location) : null;
  if (inside !== null) return yield* insideTargets(inside, location, allowLinks);
  if (found instanceof WeightmarkError) return yield unusable(location, found);
  const { root, stats } = found;
  if (!stats.isDirectory()) return yield* fileTargets(root, allowLinks);
  const real = await realPath(root);
  const believed = hubCache === null ? null : await realPath(hubCache).catch(() => null);
  const walk: Walk = { root, believed, allowLinks };
  // Links may lead to each other: what one of them led to is looked for there and nowhere else.
  const walked = [real];
  const pending: Place[] = [{ path: root, name: "" }];
  let count = 0;
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    signal?.throwIfAborted();
    const entries = await entriesOf(place.path).catch((error) => fileError(error, place!.path));
    if (entries instanceof WeightmarkError) {
      count += 1;
      yield failedItem(plainTarget(place.path, nameOf(place, root)), entries);
      continue;
    }
    const targets: Found[] = await directoryTargets(place, entries, walk);
    const led: string[] = [];
    for (const name of [...entries.links].sort()) {
      const link = await linkTargets(below(place, name), walked, walk);
      targets.push(...link.targets);
      if (link.leadsTo === null) continue;
      led.push(name);
      walked.push(link.leadsTo);
    }
    count += targets.length;
    yield* targets;
    // The last one pushed is the next one walked.
    for (const name of [...entries.directories, ...led].sort().reverse()) pending.push(below(place, name));
  }
  if (count > 0) return;
  yield failedItem(
    plainTarget(root, basename(root)),
    new WeightmarkError("NO_WEIGHTS", "no weights in this directory, nor below it", { file: root }),
  );
}

/** A file that was named, or the models in it where it is an archive. */
async function* fileTargets(path: string, allowLinks: readonly string[]): AsyncGenerator<Found> {
  const inside = await archiveTargets(path, basename(path), allowLinks).catch((error) => refusalIn(error));
  if (inside instanceof WeightmarkError) return yield failedItem(plainTarget(path, basename(path)), inside);
  if (inside === null) return yield await fileTarget(path, allowLinks);
  yield* inside;
  if (inside.length > 0) return;
  const refusal = new WeightmarkError("NO_WEIGHTS", "no weights in this archive", { file: path });
  yield failedItem(plainTarget(path, basename(path)), refusal);
}

/** What was named inside of an archive; where it is none of the models there, opening it tells why. */
async function* insideTargets(
  { archive, inside }: InsideLocation,
  location: string,
  allowLinks: readonly string[],
): AsyncGenerator<Found> {
  const path = localPath(archive);
  const models = await archiveTargets(path, basename(path), allowLinks).catch((error) => refusalIn(error));
  if (models instanceof WeightmarkError) return yield failedItem(plainTarget(location, subjectName(location)), models);
  const wanted = insideLocation(path, inside);
  const own = (models ?? []).filter((one) => inside === "" || one.location === wanted);
  yield* own.length > 0 ? own : [plainTarget(location, subjectName(location))];
}

function refusalIn(error: unknown): WeightmarkError {
  if (error instanceof WeightmarkError) return error;
  throw error;
}

/** What was named as a path or a `file:` URL. */
async function rootAt(location: string): Promise<{ readonly root: string; readonly stats: Stats }> {
  const root = localPath(location);
  return { root, stats: await statModel(root) };
}

/** The result of what cannot be scanned; of an address, which may hold secrets, as its refusal shows it. */
function unusable(location: string, refusal: WeightmarkError): Found {
  const shown = refusal.file ?? location;
  return failedItem(plainTarget(shown, basename(shown)), refusal);
}

/** What a walk may look at and believe. */
export interface LocalAccess {
  /**
   * This machine's own Hub cache, whose names of blobs are believed: anywhere else somebody may have called a file by
   * another's digest, to be taken for it (CWE-345).
   */
  readonly hubCache: string | null;
  /** Directories that links may lead into. @default none */
  readonly allowLinks?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Entries extends FileNames {
  readonly directories: string[];
}

async function entriesOf(path: string): Promise<Entries> {
  const files: string[] = [];
  const directories: string[] = [];
  const links = new Set<string>();
  let count = 0;
  for await (const { name, kind } of entriesIn(path)) {
    if (++count > MAX_ENTRIES) {
      throw new WeightmarkError("DIRECTORY_TOO_LARGE", `more than ${MAX_ENTRIES} entries`, { file: path });
    }
    if (kind.isDirectory()) {
      if (isWalked(name, path)) directories.push(name);
    } else {
      files.push(name);
      if (kind.isSymbolicLink()) links.add(name);
    }
  }
  return { files, directories: directories.sort(), links };
}

/** What an embedding has not written to its end is no model yet. */
function isWalked(name: string, parent: string): boolean {
  if (isTemporaryName(name)) return false;
  return !NOT_WALKED.has(name) && !(BESIDE_SNAPSHOTS.has(name) && basename(parent).startsWith("models--"));
}

/** What a link in a walk comes to. */
interface Led {
  readonly targets: readonly Found[];
  /** The directory that it leads to when that is to be walked, every link resolved; else null. */
  readonly leadsTo: string | null;
}

const NOWHERE: Led = { targets: [], leadsTo: null };

/**
 * A link in a walk: a target when it leads to a model's directory that is walked anyway, the way to more where it leads out
 * and may.
 *
 * @param walked the root and what links have led to, every link resolved
 */
async function linkTargets(place: Place, walked: readonly string[], walk: Walk): Promise<Led> {
  // Of what is called like a file it is told when it is opened.
  if (isWeightName(place.path) || /\.json$/i.test(place.path)) return NOWHERE;
  const real = await realPath(place.path).catch(() => null);
  const isDirectory =
    real !== null &&
    (await stat(fsPath(real)).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  if (!isDirectory) return NOWHERE;
  if (walked.some((directory) => real === directory || isBelow(real, directory))) {
    const entries = await entriesOf(real).catch(() => null);
    return entries === null ? NOWHERE : { targets: await directoryTargets(place, entries, walk), leadsTo: null };
  }
  if (await leadsInto(real, walk.allowLinks)) return { targets: [], leadsTo: real };
  const refusal = new WeightmarkError("PATH_ESCAPES_ROOT", "a symbolic link that leads out of the root", {
    file: place.path,
    detail: "Name the directory it leads to as a root of its own, or allow it with `allowLinks`.",
  });
  const target = plainTarget(place.path, nameOf(place, walk.root));
  return { targets: [{ ...failedItem(target, refusal), status: "skipped" }], leadsTo: null };
}

/** Whether what lies at a local target by now is what was listed there, as far as can be told without reading it. */
export async function isAsListed({ location, content, identity }: ScanTarget, access: LocalAccess): Promise<boolean> {
  if (content === null && identity === null) return true;
  for await (const now of localTargets(location, access)) {
    return !isItem(now) && now.content === content && now.identity === identity;
  }
  return false;
}
