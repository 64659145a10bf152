import { stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { fsPath } from "../../bytes/path-text.ts";
import { fileError } from "../../bytes/regular-file.ts";
import { WeightmarkError } from "../../errors.ts";
import { isWeightName } from "../../formats/safetensors/file-name.ts";
import { isArrayName, weightNamesOf } from "../array-names.ts";
import { listDirectory } from "../directory.ts";
import { type FolderModel, modelsOf, preferredOf } from "../folder-models.ts";
import { type Root, resolveInside, resolveRoot } from "../inside-root.ts";
import { localFolder } from "../local-folder.ts";
import type { FoundModel, ModelFolder } from "../model-folder.ts";
import type { Remote } from "../remote.ts";
import { cachedCommit, cachedSnapshot } from "./hub-cache.ts";
import { hubFolder } from "./hub-folder.ts";
import { type HubLocation, isCommit, parseHubLocation, pinnedLocation } from "./parse-location.ts";
import type { HubRepository } from "./repository.ts";
import { resolveRepository } from "./resolve-repository.ts";

const close = async () => {};

function offline(location: string): WeightmarkError {
  return new WeightmarkError("OFFLINE", "not in the Hub's cache, and it is not to be fetched (offline)", {
    file: location,
    detail: "Leave out `offline` (HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE), or download it with `hf download org/name`.",
  });
}

/** A snapshot holds what was downloaded: what it lacks may be on the Hub, and the rest is not the model. */
function downloadedFolder(root: Root, location: string): ModelFolder {
  const folder = localFolder(root, location);
  return {
    ...folder,
    async list() {
      const listing = await listDirectory(root.path);
      const models = modelsOf(weightNamesOf(listing));
      const isPart = ({ set }: FolderModel) => set.missing.count > 0;
      const preferred = preferredOf(models);
      if (preferred === null ? models.every(isPart) : isPart(preferred)) throw offline(location);
      return listing;
    },
    async open(name) {
      return folder.open(name).catch((error) => {
        const isAbsent = error instanceof WeightmarkError && error.code === "FILE_NOT_FOUND";
        throw isAbsent && (isWeightName(name) || isArrayName(name)) ? offline(folder.shown(name)) : error;
      });
    },
  };
}

async function findInSnapshot(snapshot: Root, named: HubLocation, commit: string): Promise<FoundModel> {
  const { id, path } = named;
  const about = { location: pinnedLocation(id, commit, path), revision: commit, close };
  const place = path === "" ? snapshot.real : await resolveInside(snapshot, path);
  const stats = await stat(fsPath(place)).catch((error) => {
    throw fileError(error, about.location);
  });
  const folder = stats.isDirectory() ? path : parentOf(path);
  const root = folder === "" ? snapshot : await resolveRoot(join(snapshot.path, folder), snapshot.allowed);
  return {
    ...about,
    folder: downloadedFolder(root, pinnedLocation(id, commit, folder)),
    file: stats.isDirectory() ? null : posix.basename(path),
  };
}

/** "" for what lies in the root. */
function parentOf(path: string): string {
  const parent = posix.dirname(path);
  return parent === "." ? "" : parent;
}

async function findOffline(
  named: HubLocation,
  location: string,
  cache: string | null,
  allowLinks: readonly string[],
): Promise<FoundModel> {
  const { id, revision } = named;
  if (cache === null) {
    throw new WeightmarkError("OFFLINE", "there is no Hub cache to look in, and nothing is to be fetched (offline)", {
      file: location,
      detail:
        "Set HF_HOME or HF_HUB_CACHE to where it lies, or leave out `offline` (HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE).",
    });
  }
  const commit = await cachedCommit(cache, id, revision);
  const snapshot = commit === null ? null : await cachedSnapshot(cache, id, commit, allowLinks);
  if (commit === null || snapshot === null) throw offline(location);
  return findInSnapshot(snapshot, named, commit);
}

/** Whether `path` is a folder of the repository, or a file of it. */
function kindOf({ files }: HubRepository, path: string): "folder" | "file" | null {
  if (path === "") return "folder";
  let isFolder = false;
  for (const file of files) {
    if (file.path === path) return "file";
    isFolder ||= file.path.startsWith(`${path}/`);
  }
  return isFolder ? "folder" : null;
}

/**
 * Finds the model that `hf:org/name[@revision][/path]` names, at the commit that the revision is at now.
 *
 * @param known the repository when somebody has resolved it already: saves its requests
 * @param allowLinks directories that links of the Hub's cache may lead into
 * @throws HUB_NAME_INVALID, OFFLINE, FILE_NOT_FOUND, the codes of `resolveRepository`
 */
export async function findHubModel(
  location: string,
  remote: Remote,
  known?: HubRepository,
  allowLinks: readonly string[] = [],
): Promise<FoundModel> {
  const named = parseHubLocation(location);
  const { hubCache } = remote;
  if (remote.offline) return findOffline(named, location, hubCache, allowLinks);
  // Never another commit than the one that is named, no matter who kept the listing and for how long.
  const isKnown = known !== undefined && (named.revision === known.commit || !isCommit(named.revision ?? ""));
  const repository = isKnown ? known : await resolveRepository(named.id, named.revision, remote);
  const { id, commit } = repository;
  const snapshot = hubCache === null ? null : await cachedSnapshot(hubCache, id, commit, allowLinks);
  const pinned = pinnedLocation(id, commit, named.path);
  const about = { location: pinned, revision: commit, close };
  const kind = kindOf(repository, named.path);
  if (kind === null) {
    throw new WeightmarkError("FILE_NOT_FOUND", "the repository has no such file or folder", {
      file: pinned,
      detail: "Look at the spelling; a / that belongs to a revision is written %2F.",
    });
  }
  if (kind === "folder") return { ...about, folder: hubFolder(repository, named.path, remote, snapshot), file: null };
  const folder = hubFolder(repository, parentOf(named.path), remote, snapshot);
  return { ...about, folder, file: posix.basename(named.path) };
}
