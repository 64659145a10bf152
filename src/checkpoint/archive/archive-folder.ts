import { insideLocation } from "../../bytes/inside-location.ts";
import { WeightmarkError } from "../../errors.ts";
import { classifyNames } from "../directory.ts";
import type { ModelFolder } from "../model-folder.ts";
import type { Archive } from "./archive.ts";

/** "folder/" for what lies in a folder of an archive, "" for its root. */
export function prefixOf(folder: string): string {
  return folder === "" ? "" : `${folder}/`;
}

/**
 * A folder in an archive. Names are looked up among those of the members and lead nowhere else, whatever they hold.
 *
 * @param folder "/"-separated, "" for the root
 */
export function archiveFolder({ location, members, folders }: Archive, folder: string): ModelFolder {
  const prefix = prefixOf(folder);
  const shown = (name: string) => insideLocation(location, prefix + name);
  return {
    location: insideLocation(location, folder),
    remote: false,
    shown,
    list: () => classifyNames(folders.get(folder) ?? [], insideLocation(location, folder)),
    below: async () => [],
    async open(name) {
      const member = members.get(prefix + name);
      if (member === undefined) {
        throw new WeightmarkError("FILE_NOT_FOUND", "no such member of the archive", { file: shown(name) });
      }
      return { source: await member.open(), absolutePath: null };
    },
  };
}
