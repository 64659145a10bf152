import { classifyNames, type DirectoryListing } from "../directory.ts";
import { chooseLayout, withoutIndex } from "../layout.ts";
import { pinnedLocation } from "./parse-location.ts";
import type { HubFile, HubRepository } from "./repository.ts";

/** Names directly in a folder of a repository, "" for its root. */
export function* namesIn(files: readonly HubFile[], folder: string): Generator<string> {
  const prefix = folder === "" ? "" : `${folder}/`;
  for (const { path } of files) {
    if (path.startsWith(prefix) && !path.includes("/", prefix.length)) yield path.slice(prefix.length);
  }
}

/** What of a folder of a repository matters, by the rules of directories. */
export function listFolder({ id, commit, files }: HubRepository, folder: string): Promise<DirectoryListing> {
  return classifyNames(namesIn(files, folder), pinnedLocation(id, commit, folder));
}

/**
 * The files that `openCheckpoint` reads the weights from, known from the listing alone; null where only a shard index
 * tells.
 *
 * @param folder below the root of the repository, "" for the root
 * @throws NO_WEIGHTS, UNSUPPORTED_CONTAINER, AMBIGUOUS_CHECKPOINT
 */
export async function weightFiles(repository: HubRepository, folder = ""): Promise<readonly HubFile[] | null> {
  const listing = await listFolder(repository, folder);
  const layout = withoutIndex(chooseLayout(pinnedLocation(repository.id, repository.commit, folder), listing), listing);
  if (layout.index !== null) return null;
  const prefix = folder === "" ? "" : `${folder}/`;
  const chosen = new Set(layout.files.map((name) => prefix + name));
  return repository.files.filter(({ path }) => chosen.has(path));
}
