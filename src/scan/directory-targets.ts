import { basename, dirname } from "node:path";
import { classifyNames, listDirectory } from "../checkpoint/directory.ts";
import { indexOfShards, isShardIndex } from "../checkpoint/index-name.ts";
import { resolveRoot } from "../checkpoint/inside-root.ts";
import { localFolder } from "../checkpoint/local-folder.ts";
import { numberedSets, numberedShard } from "../checkpoint/numbered-shards.ts";
import { WeightmarkError } from "../errors.ts";
import { shardsIn, targetsIn } from "./folder-targets.ts";
import { factsOf } from "./local-facts.ts";
import { below, commitOf, nameOf, type Place } from "./local-place.ts";
import { plainTarget, type ScanTarget } from "./target.ts";

/** The models of one directory, the one that it is taken for first; none where no weights lie in it. */
export async function directoryTargets(
  place: Place,
  names: readonly string[],
  root: string,
  believed: string | null,
): Promise<ScanTarget[]> {
  const target = { ...plainTarget(place.path, nameOf(place, root)), revision: commitOf(place.path) };
  const listing = await classifyNames(names, place.path).catch((error) => {
    if (error instanceof WeightmarkError) return null;
    throw error;
  });
  // What cannot be opened is told when it is opened.
  if (listing === null) return [target];
  if (listing.safetensors.length + listing.indexes.length === 0) return listing.foreign.length > 0 ? [target] : [];
  const shardsOf = await shardsIn(localFolder(await resolveRoot(place.path)), listing);
  const targets: ScanTarget[] = [];
  for (const { file, set, notes } of targetsIn(listing, shardsOf)) {
    const named = file === null ? target : renamed(target, below(place, file), root);
    const shards = set.kind === "indexed" ? (shardsOf.get(set.name) ?? null) : set.files;
    const facts = await factsOf(place.path, set.kind === "indexed" ? set.name : null, shards, believed);
    targets.push({ ...named, ...facts, ...(notes.length === 0 ? {} : { notes }) });
  }
  return targets;
}

function renamed(target: ScanTarget, place: Place, root: string): ScanTarget {
  return { ...target, id: place.path, location: place.path, name: nameOf(place, root) };
}

/** A file that was named itself: of a shard, and of an index, what it stands for. */
export async function fileTarget(path: string): Promise<ScanTarget> {
  const target = plainTarget(path, basename(path));
  const directory = dirname(path);
  const name = basename(path);
  const shard = numberedShard(name);
  if (shard === null && !isShardIndex(name)) return { ...target, ...(await factsOf(directory, null, [name], null)) };
  const listing = await listDirectory(directory);
  const folder = localFolder(await resolveRoot(directory));
  const indexName = shard === null ? name : indexOfShards(listing.indexes, shard.stem, shard.ending);
  const indexes = listing.indexes.filter((one) => one === indexName);
  const shards = indexName === null ? null : ((await shardsIn(folder, { ...listing, indexes })).get(indexName) ?? null);
  if (indexName !== null && (name === indexName || shards?.includes(name))) {
    return { ...target, ...(await factsOf(directory, indexName, shards, null)) };
  }
  const set = numberedSets(listing.safetensors).find(({ files }) => files.includes(name));
  return { ...target, ...(await factsOf(directory, null, set?.files ?? null, null)) };
}
