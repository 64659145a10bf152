import { basename, dirname } from "node:path";
import { namesBeside } from "../checkpoint/array-names.ts";
import { classifyNames, listDirectory } from "../checkpoint/directory.ts";
import { indexOfShards, isShardIndex } from "../checkpoint/index-name.ts";
import { type Root, resolveInside, resolveRoot } from "../checkpoint/inside-root.ts";
import { localFolder } from "../checkpoint/local-folder.ts";
import { numberedSets, numberedShard } from "../checkpoint/numbered-shards.ts";
import { isPieceName, onlySplit } from "../checkpoint/split/part-names.ts";
import { WeightmarkError } from "../errors.ts";
import { isGgufName } from "../formats/gguf/file-name.ts";
import { archiveNamed, archiveTargets, notUnpacked } from "./archive-targets.ts";
import { failedItem } from "./failure.ts";
import { holdsModels, shardsIn, targetsIn } from "./folder-targets.ts";
import type { Found } from "./inputs.ts";
import { factsOf } from "./local-facts.ts";
import { below, commitOf, nameOf, type Place } from "./local-place.ts";
import { plainTarget, type ScanTarget } from "./target.ts";

/** What a walk has to know of the directories that it comes to. */
export interface Walk {
  /** As it was named. */
  readonly root: string;
  /** This machine's own Hub cache, every link resolved, or null. */
  readonly believed: string | null;
  /** Directories that links may lead into. */
  readonly allowLinks: readonly string[];
}

/** Entries of one directory that are no directories. */
export interface FileNames {
  readonly files: readonly string[];
  /** Those of them that are symbolic links. */
  readonly links: ReadonlySet<string>;
}

/**
 * The models of one directory, the one that it is taken for first; none where no weights lie in it. Links that lead out of
 * it are refused, as they are when it is opened: what a model is called by a walk is not what somebody named.
 */
export async function directoryTargets(
  place: Place,
  { files, links }: FileNames,
  { root, believed, allowLinks }: Walk,
): Promise<Found[]> {
  const walk = { root, believed, allowLinks };
  const own = await ownTargets(place, { files, links }, walk);
  return [...own, ...(await inArchives(place, { files, links }, walk))];
}

/** The models in archives of a directory. One in which none lie is no target, and what cannot be looked into is told. */
async function inArchives(place: Place, { files, links }: FileNames, { root, allowLinks }: Walk): Promise<Found[]> {
  const found: Found[] = [];
  for (const file of files.filter((name) => archiveNamed(name) !== null).sort()) {
    const { path, name } = { ...below(place, file), name: nameOf(below(place, file), root) };
    try {
      if (archiveNamed(file) === "compressed") throw notUnpacked(path);
      const refusal = links.has(file)
        ? await refusalOf(await resolveRoot(place.path, allowLinks), [file], links)
        : null;
      if (refusal !== null) throw refusal;
      found.push(...((await archiveTargets(path, name, allowLinks)) ?? []));
    } catch (error) {
      if (!(error instanceof WeightmarkError)) throw error;
      found.push({ ...failedItem(plainTarget(path, name), error), status: "skipped" });
    }
  }
  return found;
}

async function ownTargets(
  place: Place,
  { files, links }: FileNames,
  { root, believed, allowLinks }: Walk,
): Promise<Found[]> {
  const target = { ...plainTarget(place.path, nameOf(place, root)), revision: commitOf(place.path) };
  const listing = await classifyNames(files, place.path).catch((error) => {
    if (error instanceof WeightmarkError) return null;
    throw error;
  });
  // What cannot be opened is told when it is opened.
  if (listing === null) return [target];
  const piecesOf = (names: readonly string[]) => names.flatMap((name) => listing.split.get(name)?.parts ?? [name]);
  const split = onlySplit(listing);
  if (split !== null) return [{ ...target, ...(await factsOf(place.path, null, piecesOf([split]), null)) }];
  // What lies in archives is told apart.
  const foreign = listing.foreign.filter((name) => archiveNamed(name) === null);
  if (!holdsModels(listing)) return foreign.length > 0 ? [target] : [];
  const directory = await resolveRoot(place.path, allowLinks);
  const shardsOf = await shardsIn(localFolder(directory), listing);
  const targets: Found[] = [];
  for (const { file, set, notes } of targetsIn(listing, shardsOf)) {
    const named = file === null ? target : renamed(target, below(place, file), root);
    const refusal = file === null ? null : await refusalOf(directory, piecesOf(set.files), links);
    if (refusal !== null) {
      targets.push(failedItem(named, refusal));
      continue;
    }
    const shards = set.kind === "indexed" ? (shardsOf.get(set.name) ?? null) : piecesOf(set.files);
    const facts = await factsOf(place.path, set.kind === "indexed" ? set.name : null, shards, believed);
    targets.push({ ...named, ...facts, ...(notes.length === 0 ? {} : { notes }) });
  }
  return targets;
}

/** Why files that would be opened by their own paths may not be: a link among them leads out of the directory. */
async function refusalOf(directory: Root, files: readonly string[], links: ReadonlySet<string>) {
  for (const name of files) {
    const refusal = links.has(name) ? await resolveInside(directory, name).catch((error: unknown) => error) : null;
    if (refusal instanceof WeightmarkError && refusal.code === "PATH_ESCAPES_ROOT") return refusal;
  }
  return null;
}

function renamed(target: ScanTarget, place: Place, root: string): ScanTarget {
  return { ...target, id: place.path, location: place.path, name: nameOf(place, root) };
}

/** A file that was named itself: of a shard, and of an index, what it stands for. */
export async function fileTarget(path: string, allowLinks: readonly string[]): Promise<ScanTarget> {
  const target = plainTarget(path, basename(path));
  const directory = dirname(path);
  const name = basename(path);
  const shard = numberedShard(name);
  if (isPieceName(name)) {
    const split = [...(await listDirectory(directory)).split.values()].find(({ parts }) => parts.includes(name));
    if (split !== undefined) return { ...target, ...(await factsOf(directory, null, split.parts, null)) };
  }
  if (shard === null && !isShardIndex(name)) return { ...target, ...(await factsOf(directory, null, [name], null)) };
  const beside = await listDirectory(directory);
  const listing = namesBeside(beside, name);
  const folder = localFolder(await resolveRoot(directory, allowLinks));
  const indexName = shard === null ? name : indexOfShards(listing.indexes, shard.stem, shard.ending);
  const indexes = listing.indexes.filter((one) => one === indexName);
  const shards = indexName === null ? null : ((await shardsIn(folder, { indexes })).get(indexName) ?? null);
  if (indexName !== null && (name === indexName || shards?.includes(name))) {
    return { ...target, ...(await factsOf(directory, indexName, shards, null)) };
  }
  const numbered = numberedSets(isGgufName(name) ? beside.foreign : listing.safetensors);
  const set = numbered.find(({ files }) => files.includes(name));
  return { ...target, ...(await factsOf(directory, null, set?.files ?? null, null)) };
}
