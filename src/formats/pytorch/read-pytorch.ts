import type { ByteSource } from "../../bytes/byte-source.ts";
import type { StoredArray } from "../stored-array.ts";
import { globalNotes } from "./global-notes.ts";
import { readLegacyForm } from "./legacy-form.ts";
import { stateDictOf } from "./state-dict.ts";
import { placeTensors } from "./storage-place.ts";
import { readZipForm } from "./zip-form.ts";

/** The weights of a file, by where they lie in it. */
export interface StoredArrays {
  readonly arrays: readonly StoredArray[];
  readonly notes: readonly string[];
}

/**
 * Reads which weights lie where in a file of torch.save or torch.jit.save. The pickle in it is followed, and nothing that it
 * names is ever called; no weights are read.
 *
 * @param form "zip" since PyTorch 1.6, "legacy" before
 * @throws PT_*, PICKLE_*, ZIP_*; what the source throws
 */
export async function readPytorch(source: ByteSource, form: "zip" | "legacy"): Promise<StoredArrays> {
  const { pickle, places, notes } = await (form === "zip" ? readZipForm(source) : readLegacyForm(source));
  const found = stateDictOf(pickle.value, pickle.length, source.location);
  const arrays = placeTensors(found.tensors, places, source);
  return { arrays, notes: [...globalNotes(pickle.globals), ...notes, ...found.notes] };
}
