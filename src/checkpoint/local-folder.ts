import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isBrokenLink } from "../bytes/absence.ts";
import { openFileSource } from "../bytes/file-source.ts";
import { fsPath, realPath } from "../bytes/path-text.ts";
import { fileError } from "../bytes/regular-file.ts";
import { WeightmarkError } from "../errors.ts";
import { missingBase } from "./adapter/pair-location.ts";
import { foldersWithWeights, listDirectory } from "./directory.ts";
import { HUB_PREFIX } from "./hub/parse-location.ts";
import { isRepositoryId } from "./hub/repository-id.ts";
import { isShardIndex } from "./index-name.ts";
import { type Root, resolveInside, resolveRoot } from "./inside-root.ts";
import { foreignAddress } from "./location.ts";
import type { FoundModel, ModelFolder } from "./model-folder.ts";

/**
 * A directory on this machine.
 *
 * @param location what messages call it instead of its path: a pinned address for a snapshot of the Hub's cache
 */
export function localFolder(root: Root, location: string = root.path): ModelFolder {
  const shown = (name: string) => (location === root.path ? join(root.path, name) : `${location}/${name}`);
  return {
    location,
    remote: false,
    shown,
    list: () => listDirectory(root.path),
    below: async () => (await foldersWithWeights(root.path)).map(shown),
    async open(name) {
      const absolutePath = await resolveInside(root, name);
      return { source: await openFileSource(absolutePath, shown(name)), absolutePath };
    },
  };
}

/** A file that was named itself: links may lead anywhere, but for what lies beside it. */
function loneFile(location: string, allowLinks: readonly string[]): ModelFolder {
  return {
    location,
    remote: false,
    shown: (name) => (name === basename(location) ? location : join(dirname(location), name)),
    list: () => listDirectory(dirname(location)),
    below: async () => [],
    async open(name) {
      if (name !== basename(location)) return localFolder(await resolveRoot(dirname(location), allowLinks)).open(name);
      const absolutePath = join(await realPath(dirname(location)), name);
      return { source: await openFileSource(absolutePath, location), absolutePath };
    },
  };
}

/** What somebody types who means a repository of the Hub: its name alone, or the address without its scheme. */
const HUB_LIKE = /^(?:(?:www\.)?(?:huggingface\.co|hf\.co)\/)?([^/@]+\/[^/@]+)(@[^/]+)?(?:\/|$)/;

function absent(location: string, cause: unknown): unknown {
  const error = fileError(cause, location);
  const address = error.code === "FILE_NOT_FOUND" ? foreignAddress(location, cause) : null;
  if (address !== null) return address;
  const detail = error.code === "FILE_NOT_FOUND" ? missingBase(location) : undefined;
  if (detail !== undefined) return new WeightmarkError(error.code, error.message, { file: location, detail, cause });
  const [, id, revision] = HUB_LIKE.exec(location) ?? [];
  if (error.code !== "FILE_NOT_FOUND" || id === undefined || !isRepositoryId(id) || isBrokenLink(error)) return error;
  const meant = `If the repository of the Hub is meant, write ${HUB_PREFIX}${id}${revision ?? ""}.`;
  return new WeightmarkError(error.code, error.message, { file: location, detail: meant, cause });
}

/**
 * What lies at a location that was named.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE
 */
export function statModel(location: string): Promise<Stats> {
  return stat(fsPath(location)).catch((error) => {
    throw absent(location, error);
  });
}

/** Whether something lies at a path. */
export async function isPath(location: string): Promise<boolean> {
  return stat(fsPath(location)).then(
    () => true,
    () => false,
  );
}

/** Whether a file that is not there was split, and its pieces lie where it would. */
async function isSplit(location: string): Promise<boolean> {
  const listing = await listDirectory(dirname(location)).catch(() => null);
  return listing?.split.has(basename(location)) ?? false;
}

/**
 * @param allowLinks directories that links beside the model may lead into
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function findLocalModel(location: string, allowLinks: readonly string[] = []): Promise<FoundModel> {
  const about = { location, revision: null, close: async () => {} };
  const stats = await statModel(location).catch(async (error) => {
    if (await isSplit(location)) return null;
    throw error;
  });
  if (stats === null) return { ...about, folder: loneFile(location, allowLinks), file: basename(location) };
  if (stats.isDirectory())
    return { ...about, folder: localFolder(await resolveRoot(location, allowLinks)), file: null };
  const file = basename(location);
  if (!stats.isFile() || !isShardIndex(file)) return { ...about, folder: loneFile(location, allowLinks), file };
  return { ...about, folder: localFolder(await resolveRoot(dirname(location), allowLinks)), file };
}
