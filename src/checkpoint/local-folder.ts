import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { openFileSource } from "../bytes/file-source.ts";
import { fileError } from "../bytes/regular-file.ts";
import { listDirectory } from "./directory.ts";
import { type Root, resolveInside, resolveRoot } from "./inside-root.ts";
import { isShardIndex } from "./layout.ts";
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
    async open(name) {
      const absolutePath = await resolveInside(root, name);
      return { source: await openFileSource(absolutePath, shown(name)), absolutePath };
    },
  };
}

/** A file that was named itself, in which nothing names others: links may lead anywhere, but for what lies beside it. */
function loneFile(location: string): ModelFolder {
  return {
    location,
    remote: false,
    shown: () => location,
    list: async () => null,
    async open(name) {
      if (name !== basename(location)) return localFolder(await resolveRoot(dirname(location))).open(name);
      const absolutePath = resolve(location);
      return { source: await openFileSource(absolutePath, location), absolutePath };
    },
  };
}

/** @throws FILE_NOT_FOUND, FILE_UNREADABLE */
export async function findLocalModel(location: string): Promise<FoundModel> {
  const stats = await stat(location).catch((error) => {
    throw fileError(error, location);
  });
  const about = { location, revision: null, close: async () => {} };
  if (stats.isDirectory()) return { ...about, folder: localFolder(await resolveRoot(location)), file: null };
  const file = basename(location);
  if (!stats.isFile() || !isShardIndex(file)) return { ...about, folder: loneFile(location), file };
  return { ...about, folder: localFolder(await resolveRoot(dirname(location))), file };
}
