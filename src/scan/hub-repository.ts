import { namesBeside, weightNamesOf } from "../checkpoint/array-names.ts";
import { classifyNames } from "../checkpoint/directory.ts";
import type { DirectoryListing } from "../checkpoint/directory-listing.ts";
import { modelsOf, preferredOf, type WeightSet } from "../checkpoint/folder-models.ts";
import { hubFolder } from "../checkpoint/hub/hub-folder.ts";
import { type HubLocation, pinnedLocation } from "../checkpoint/hub/parse-location.ts";
import type { HubRepository } from "../checkpoint/hub/repository.ts";
import { listedWeights, listFolder, prefixOf } from "../checkpoint/hub/weight-files.ts";
import { chooseLayout } from "../checkpoint/layout.ts";
import type { Remote } from "../checkpoint/remote.ts";
import { isWeightName } from "../formats/safetensors/file-name.ts";
import { failedItem } from "./failure.ts";
import { needsIndexes, shardsIn, targetsIn } from "./folder-targets.ts";
import type { EnumerateOptions, Found } from "./inputs.ts";
import { plainTarget, type ScanTarget } from "./target.ts";

/** A folder of a repository with weights in it, and what lies there. */
export interface WeightFolder {
  /** Below the root of the repository, "" for the root. */
  readonly path: string;
  readonly listing: DirectoryListing;
  /** Whether folders below it hold weights that can be read. */
  readonly hasBelow: boolean;
}

/** A target at a commit of which nothing else is known. */
export function pinnedTarget({ id, path }: Pick<HubLocation, "id" | "path">, commit: string): ScanTarget {
  const name = path === "" ? id : `${id}/${path}`;
  return { ...plainTarget(pinnedLocation(id, commit, path), name), revision: commit };
}

function holdsWeights({ safetensors, indexes }: DirectoryListing): boolean {
  return safetensors.length + indexes.length > 0;
}

function byParts(a: Pick<WeightFolder, "path">, b: Pick<WeightFolder, "path">): number {
  const [one, other] = [a.path.split("/"), b.path.split("/")];
  const at = one.findIndex((part, i) => part !== other[i]);
  return at < 0 ? -1 : at >= other.length || one[at]! > other[at]! ? 1 : -1;
}

/** The folders in and below one that weights of any kind lie in, in the order in which a directory would be walked. */
export async function foldersOf(paths: Iterable<string>, below: string, location: string): Promise<WeightFolder[]> {
  const prefix = prefixOf(below);
  const names = new Map<string, string[]>();
  for (const path of paths) {
    if (!path.startsWith(prefix)) continue;
    const end = path.lastIndexOf("/");
    const folder = end < 0 ? "" : path.slice(0, end);
    const same = names.get(folder);
    if (same === undefined) names.set(folder, [path.slice(end + 1)]);
    else same.push(path.slice(end + 1));
  }
  const folders: Omit<WeightFolder, "hasBelow">[] = [];
  for (const [path, inside] of names) {
    const listing = await classifyNames(inside, location);
    if (holdsWeights(listing) || listing.foreign.length > 0) folders.push({ path, listing });
  }
  // What lies below a folder follows it.
  let next: string | null = null;
  return folders
    .sort((a, b) => byParts(b, a))
    .map((folder) => {
      const hasBelow = next?.startsWith(prefixOf(folder.path)) === true;
      if (holdsWeights(folder.listing)) next = folder.path;
      return { ...folder, hasBelow };
    })
    .reverse();
}

/** The results of a repository in which nothing can be read, by its paths alone; null where something can. */
export async function unreadable(
  named: HubLocation,
  commit: string,
  paths: Iterable<string>,
): Promise<readonly Found[] | null> {
  const folders = await foldersOf(paths, named.path, pinnedLocation(named.id, commit, named.path));
  if (folders.some(({ listing }) => isReadable(listing))) return null;
  const [first = { path: named.path, listing: await classifyNames([], ""), hasBelow: false }, ...others] = folders;
  return [first, ...others].map((folder) => refused(named, commit, folder));
}

/** Whether something of a folder can be read, in whichever container. */
function isReadable(listing: DirectoryListing): boolean {
  const { safetensors, indexes } = weightNamesOf(listing);
  return safetensors.length + indexes.length > 0;
}

/** The model of a folder without safetensors, or why there is none. */
function otherModel(repository: HubRepository, folder: WeightFolder): Found {
  const { path, listing } = folder;
  const model = preferredOf(modelsOf(weightNamesOf(listing)));
  if (model === null) return refused(repository, repository.commit, folder);
  const target = pinnedTarget({ id: repository.id, path }, repository.commit);
  return { ...target, ...listedWeights(repository, path, model.set, listing) };
}

/** Of a folder without weights that can be read, why. */
function refused({ id }: Pick<HubLocation, "id">, commit: string, { path, listing }: WeightFolder): Found {
  const target = pinnedTarget({ id, path }, commit);
  try {
    chooseLayout(target.location, listing);
  } catch (error) {
    return failedItem(target, error);
  }
  throw new Error(`${target.location} holds weights`);
}

/** The models in and below the path that is named, as a walk over a copy of the repository would find them. */
export async function repositoryTargets(
  repository: HubRepository,
  named: HubLocation,
  remote: Remote,
): Promise<readonly Found[]> {
  const { id, commit, files } = repository;
  if (files.some(({ path }) => path === named.path)) return [await namedFile(repository, named.path)];
  const paths = files.map(({ path }) => path);
  const found: Found[] = [];
  for (const folder of await foldersOf(paths, named.path, pinnedLocation(id, commit, named.path))) {
    if (holdsWeights(folder.listing)) found.push(...(await folderModels(repository, folder, remote)));
    else if (isReadable(folder.listing)) found.push(otherModel(repository, folder));
    else found.push(refused(named, commit, folder));
  }
  return found.length > 0 ? found : (await unreadable({ ...named, id }, commit, paths))!;
}

async function folderModels(
  repository: HubRepository,
  { path, listing, hasBelow }: WeightFolder,
  remote: Remote,
): Promise<ScanTarget[]> {
  const folder = hubFolder(repository, path, remote, null);
  const shardsOf = needsIndexes(listing, hasBelow)
    ? await shardsIn(folder, listing)
    : new Map<string, readonly string[]>();
  return targetsIn(listing, shardsOf).map(({ file, set, notes }) => ({
    ...pinnedTarget({ id: repository.id, path: file === null ? path : prefixOf(path) + file }, repository.commit),
    ...listedWeights(repository, path, set, file === null ? listing : null),
    ...(notes.length === 0 ? {} : { notes }),
  }));
}

/** A file that was named itself; a shard, and an index, stand for what they are part of. */
async function namedFile(repository: HubRepository, path: string): Promise<ScanTarget> {
  const end = path.lastIndexOf("/");
  const [folder, name] = [path.slice(0, Math.max(end, 0)), path.slice(end + 1)];
  const models = modelsOf(namesBeside(await listFolder(repository, folder), name));
  const sets = models.flatMap(({ set, variants }) => [set, ...variants]);
  const alone: WeightSet = {
    kind: "file",
    name,
    files: [name],
    missing: { count: 0, first: null },
    component: name,
    variant: [],
  };
  const set = sets.find((one) => one.name === name || one.files.includes(name)) ?? alone;
  return {
    ...pinnedTarget({ id: repository.id, path }, repository.commit),
    ...listedWeights(repository, folder, set, null),
  };
}

/**
 * The targets of a repository whose results are all stored, so that nothing of it has to be asked for again; else null.
 *
 * @param paths that it has, or null when nobody said
 */
export async function storedTargets(
  named: HubLocation,
  commit: string,
  paths: readonly string[] | null,
  stored: NonNullable<EnumerateOptions["stored"]>,
): Promise<readonly Found[] | null> {
  const places = await placesOf(named, commit, paths);
  const targets: ScanTarget[] = [];
  for (const path of places ?? []) {
    const target = pinnedTarget({ id: named.id, path }, commit);
    const item = await stored(target.id);
    if (item === null) return null;
    targets.push({ ...target, content: item.content });
  }
  return places === null ? null : targets;
}

/** Paths of the models of a repository as far as names tell them, or null where an index or the tree has to be read. */
async function placesOf({ id, path }: HubLocation, commit: string, paths: readonly string[] | null) {
  if (isWeightName(path) || /\.json$/i.test(path)) return [path];
  if (paths === null) return null;
  const places: string[] = [];
  for (const folder of await foldersOf(paths, path, pinnedLocation(id, commit, path))) {
    if (needsIndexes(folder.listing, folder.hasBelow)) return null;
    if (!holdsWeights(folder.listing)) places.push(folder.path);
    for (const { file } of targetsIn(folder.listing, new Map())) {
      places.push(file === null ? folder.path : prefixOf(folder.path) + file);
    }
  }
  return places.length === 0 ? [path] : places;
}
