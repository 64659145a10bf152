import { memorySource } from "../../bytes/memory-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { isWeightName } from "../../formats/safetensors/file-name.ts";
import { FIRST_READ_BYTES } from "../../formats/safetensors/limits.ts";
import { arrayKind } from "../array-file.ts";
import { isOnnxName, weightNamesOf } from "../array-names.ts";
import type { DirectoryListing } from "../directory-listing.ts";
import { modelsOf, preferredOf, type WeightSet } from "../folder-models.ts";
import { ggufSets, isLeftTo } from "../gguf/gguf-files.ts";
import { joinedFolder } from "../split/joined-folder.ts";
import type { Archive } from "./archive.ts";
import { archiveFolder, prefixOf } from "./archive-folder.ts";

/** A model in an archive. */
export interface InsideModel {
  /** Folder in the archive, "" for its root. */
  readonly folder: string;
  /** The file that it is named by, or null when it is what the folder is taken for. */
  readonly file: string | null;
  /** The file that stands for it, with its folder: what it is called. */
  readonly name: string;
  /** The weight files that are known to be its own, with their folder. */
  readonly files: readonly string[];
}

/** Files of no certain name whose first bytes are looked at. */
const MAX_LOOKED_AT = 256;

/**
 * The models in an archive, those of folders further up first, in order of name. Each folder is looked at as a directory
 * is, but that a file whose name says little has to begin as weights do: packages hold files of all kinds.
 */
export async function insideModels(archive: Archive): Promise<InsideModel[]> {
  const models: InsideModel[] = [];
  const left = { looks: MAX_LOOKED_AT };
  const folders = [...archive.folders.keys()].sort((a, b) => depthOf(a) - depthOf(b) || (a < b ? -1 : 1));
  for (const folder of folders) models.push(...(await modelsIn(archive, folder, left)));
  return models;
}

function depthOf(folder: string): number {
  return folder === "" ? 0 : folder.split("/").length;
}

async function modelsIn(archive: Archive, folder: string, left: { looks: number }): Promise<InsideModel[]> {
  const listing = await joinedFolder(archiveFolder(archive, folder)).list();
  const found = listing === null ? [] : await setsIn(archive, folder, listing, left);
  const prefix = prefixOf(folder);
  return found.map(({ set, isOfFolder }) => ({
    folder,
    file: isOfFolder ? null : set.name,
    name: prefix + set.name,
    files: set.files.flatMap((name) => listing!.split.get(name)?.parts ?? [name]).map((name) => prefix + name),
  }));
}

interface FoundSet {
  readonly set: WeightSet;
  readonly isOfFolder: boolean;
}

async function setsIn(
  archive: Archive,
  folder: string,
  listing: DirectoryListing,
  left: { looks: number },
): Promise<FoundSet[]> {
  const gguf = isLeftTo(listing) ? ggufSets(listing) : [];
  if (gguf.length > 0) return gguf.map((set) => ({ set, isOfFolder: gguf.length === 1 }));
  const { safetensors, indexes } = weightNamesOf(listing);
  const names: string[] = [];
  for (const name of safetensors) {
    if (isWeightName(name) || (await beginsArrays(archive, prefixOf(folder) + name, listing, left))) names.push(name);
  }
  // A model of ONNX keeps its tensors in files of any name.
  if (names.length + indexes.length === 0) names.push(...listing.foreign.filter(isOnnxName));
  const models = modelsOf({ safetensors: names, indexes });
  const preferred = preferredOf(models);
  // What lies beside the only weights and is none would be taken for them, were the folder named.
  const isAlone = names.length === safetensors.length;
  return models.map((model) => ({ set: model.set, isOfFolder: isAlone && model === preferred }));
}

async function beginsArrays(
  archive: Archive,
  name: string,
  { split }: DirectoryListing,
  left: { looks: number },
): Promise<boolean> {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const member = archive.members.get(name.slice(0, -base.length) + (split.get(base)?.parts[0] ?? base));
  if (member === undefined || left.looks === 0) return true;
  left.looks -= 1;
  const head = await member.head(FIRST_READ_BYTES).catch((error) => {
    if (error instanceof WeightmarkError) return null;
    throw error;
  });
  // What cannot be looked at is told when it is opened.
  if (head === null) return true;
  return (await arrayKind({ ...memorySource(head), size: Math.max(head.length, member.size) }, base)) !== null;
}
