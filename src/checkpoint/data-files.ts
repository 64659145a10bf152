import { kindByName } from "../formats/foreign/file-name.ts";
import { arrayKind } from "./array-file.ts";
import { isArrayName, isOnnxName } from "./array-names.ts";
import type { DirectoryListing } from "./directory-listing.ts";
import type { ModelFolder } from "./model-folder.ts";

/** Files whose content is asked for before a folder is read as one of ONNX. */
const MAX_LOOKED_INTO = 16;

/**
 * A folder's files without those that are called as PyTorch's might be, hold none of its arrays and stand beside a model of ONNX,
 * which keeps its tensors in files of any name.
 */
export async function withoutData(folder: ModelFolder, listing: DirectoryListing): Promise<DirectoryListing> {
  const { foreign, companions } = listing;
  const isData = (name: string) => isArrayName(name) && kindByName(name, companions) === null;
  if (!foreign.some(isOnnxName) || !foreign.some(isData)) return listing;
  for (const name of foreign.filter(isData).slice(0, MAX_LOOKED_INTO)) {
    const { source } = await folder.open(name);
    if ((await arrayKind(source, name).finally(() => source.close())) !== null) return listing;
  }
  return { ...listing, foreign: foreign.filter((name) => !isData(name)) };
}
