import type { ByteSource } from "../../bytes/byte-source.ts";
import { joinedSource } from "../../bytes/joined-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { shownNames } from "../../formats/shown-names.ts";
import { ABSENT } from "../absent.ts";
import type { SplitFile } from "../directory-listing.ts";
import type { FoundModel, ModelFolder, OpenedFile } from "../model-folder.ts";
import { isPieceName } from "./part-names.ts";

/** The same folder, in which files that were split can be opened as a whole, by the name of the whole. */
export function joinedFolder(folder: ModelFolder): ModelFolder {
  let listed: ReturnType<ModelFolder["list"]> | null = null;
  const list = () => {
    listed ??= folder.list();
    return listed;
  };
  return {
    ...folder,
    list,
    known: async () => listed,
    async open(name) {
      try {
        return await folder.open(name);
      } catch (error) {
        if (!(error instanceof WeightmarkError && ABSENT.has(error.code))) throw error;
        const split = (await list())?.split.get(name);
        if (split === undefined) throw error;
        return openParts(folder, split);
      }
    },
  };
}

/** Which files of a model were joined, a note for each of the first few. */
export async function splitNotes(
  { folder }: FoundModel,
  files: readonly { readonly path: string }[],
): Promise<string[]> {
  const split = (await folder.known?.())?.split;
  if (split === undefined || split.size === 0) return [];
  return files.flatMap(({ path }) => {
    const parts = split.get(path)?.parts;
    return parts === undefined ? [] : [`${path}: joined from ${parts.length} parts, ${shownNames(parts)}`];
  });
}

/** The same model, read from all pieces of its file where one of them was named. */
export async function withPieces(found: FoundModel): Promise<FoundModel> {
  const folder = joinedFolder(found.folder);
  const { file } = found;
  if (file === null || !isPieceName(file)) return { ...found, folder };
  const split = [...((await folder.list())?.split.values() ?? [])].find(({ parts }) => parts.includes(file));
  return split === undefined ? { ...found, folder } : { ...found, folder, file: split.name };
}

/** @throws SHARD_MISSING, what `folder.open` throws; nothing stays open then */
async function openParts(folder: ModelFolder, { name, parts, missing }: SplitFile): Promise<OpenedFile> {
  const location = folder.shown(name);
  if (missing !== null) {
    throw new WeightmarkError(
      "SHARD_MISSING",
      `the file was split, and its part ${JSON.stringify(missing)} is not here`,
      {
        file: location,
        detail: "Complete the download: a file can only be read with all of its parts.",
      },
    );
  }
  const sources: ByteSource[] = [];
  try {
    for (const part of parts) sources.push((await folder.open(part)).source);
  } catch (error) {
    await Promise.all(sources.map((source) => source.close()));
    throw error;
  }
  return { source: joinedSource(sources, location), absolutePath: null };
}
