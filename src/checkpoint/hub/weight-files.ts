import { isGgufName } from "../../formats/gguf/file-name.ts";
import { isWeightName } from "../../formats/safetensors/file-name.ts";
import { isArrayName, isOnnxName } from "../array-names.ts";
import { classifyNames } from "../directory.ts";
import type { DirectoryListing } from "../directory-listing.ts";
import type { WeightSet } from "../folder-models.ts";
import { isForeignIndex } from "../index-name.ts";
import { indexedContent, weightContent } from "./content.ts";
import { fileTable } from "./file-table.ts";
import { pinnedLocation } from "./parse-location.ts";
import type { HubFile, HubRepository } from "./repository.ts";

/** "folder/" for what lies in a folder, "" for the root. */
export function prefixOf(folder: string): string {
  return folder === "" ? "" : `${folder}/`;
}

/** Names directly in a folder of a repository, "" for its root. */
export function* namesIn(files: readonly HubFile[], folder: string): Generator<string> {
  const prefix = prefixOf(folder);
  for (const { path } of files) {
    if (path.startsWith(prefix) && !path.includes("/", prefix.length)) yield path.slice(prefix.length);
  }
}

/** Names that are listed: as many as a message shows. */
const MAX_FOLDERS = 5;

/** Some of the folders below `folder` that weights lie in, as paths below it. */
export function foldersWithWeights(files: readonly HubFile[], folder: string): string[] {
  const prefix = prefixOf(folder);
  const folders = new Set<string>();
  for (const { path } of files) {
    if (!path.startsWith(prefix) || !(isWeightName(path) || isGgufName(path) || isOnnxName(path))) continue;
    const end = path.lastIndexOf("/");
    if (end >= prefix.length) folders.add(path.slice(prefix.length, end));
  }
  return [...folders].sort().slice(0, MAX_FOLDERS);
}

/** What of a folder of a repository matters, by the rules of directories. */
export function listFolder({ id, commit, files }: HubRepository, folder: string): Promise<DirectoryListing> {
  return classifyNames(namesIn(files, folder), pinnedLocation(id, commit, folder));
}

/** What a tree says of the weights of a model, without reading anything. */
export interface ListedWeights {
  /** See `ScanTarget.content`. */
  readonly content: string | null;
  /** Null where an index or a model of ONNX names the files. */
  readonly bytes: number | null;
  /** The repository with nothing but what the model is opened by: targets travel to threads and databases. */
  readonly repository: HubRepository;
}

/**
 * What is known of a model in a folder of a repository. An index may name any file below its folder.
 *
 * @param listing of the folder when the model is what the folder is taken for, null when it is named by its file
 */
export function listedWeights(
  repository: HubRepository,
  folder: string,
  set: WeightSet,
  listing: DirectoryListing | null,
): ListedWeights {
  const prefix = prefixOf(folder);
  const table = fileTable(repository.files);
  const own = [...set.files, set.name].map((name) => prefix + name);
  const { safetensors = [], indexes = [], foreignIndexes = [], foreign = [] } = listing ?? {};
  const beside = [...safetensors, ...indexes, ...foreignIndexes, ...foreign].map((name) => prefix + name);
  const isIndexed = set.kind === "indexed";
  const isOfIndex = isForeignIndex(set.name) ? isArrayName : isWeightName;
  // What lies beside a model of ONNX is known when it is opened.
  const isOpen = isOnnxName(set.name);
  const below = isIndexed || isOpen ? table.below(prefix).filter(({ path }) => isOpen || isOfIndex(path)) : [];
  const kept = table.among([...own, ...beside, ...below.map(({ path }) => path)]);
  const files = isIndexed ? below : table.among(own);
  const index = table.at(prefix + set.name);
  if (isOpen) return { content: null, bytes: null, repository: { ...repository, files: kept } };
  return {
    content: isIndexed ? indexedContent(index?.sha256 ?? index?.oid ?? null, files) : weightContent(files),
    bytes: isIndexed ? null : files.reduce((sum, { size }) => sum + size, 0),
    repository: { ...repository, files: kept },
  };
}
