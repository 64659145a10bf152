import { kindByName } from "../formats/foreign/file-name.ts";
import { isWeightName } from "../formats/safetensors/file-name.ts";
import type { DirectoryListing } from "./directory-listing.ts";

/** What programs of PyTorch, NumPy and ONNX call files of weights; ".bin" and ".ckpt" are others' as well. */
const ARRAYS = /\.(?:bin|pt|pth|th|ckpt|npz|onnx)$/i;
const KINDS: ReadonlySet<string | null> = new Set(["pytorch", "numpyArchive", "onnx", "cTranslate2", null]);

/** Whether a file may hold arrays of PyTorch, NumPy or ONNX by its name. */
export function isArrayName(name: string): boolean {
  return ARRAYS.test(name);
}

/** Whether a file is a model of ONNX by its name; its weights may lie in files beside it that only it names. */
export function isOnnxName(name: string): boolean {
  return /\.onnx$/i.test(name);
}

/** Names that weights are looked for under, of a folder or of what belongs to one of its files. */
export type WeightNames = Pick<DirectoryListing, "safetensors" | "indexes">;

/** Files and indexes of PyTorch and NumPy, else models of ONNX, in the place of those of safetensors. */
export function arrayNames({ foreign, foreignIndexes, companions }: DirectoryListing): WeightNames {
  const files = foreign.filter((name) => isArrayName(name) && KINDS.has(kindByName(name, companions)));
  const trained = files.filter((name) => !isOnnxName(name));
  // What was exported is looked at where what it was exported from is not there.
  const isExport = trained.length + foreignIndexes.length === 0;
  return { safetensors: isExport ? files : trained, indexes: foreignIndexes };
}

/** What a folder is read for: other containers only where it has no safetensors. */
export function weightNamesOf(listing: DirectoryListing): WeightNames {
  return listing.safetensors.length + listing.indexes.length > 0 ? listing : arrayNames(listing);
}

/** The names that may belong to one model with a file. */
export function namesBeside(listing: DirectoryListing, file: string): WeightNames {
  return isWeightName(file) || listing.indexes.includes(file) ? listing : arrayNames(listing);
}
