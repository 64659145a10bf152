import { WeightmarkError } from "../errors.ts";
import { MAX_CONFIG_BYTES } from "./limits.ts";
import { isWebLocation } from "./location.ts";
import type { FoundModel } from "./model-folder.ts";

/**
 * A small file in the folder of a model, or null: what lies beside the weights explains them and is never needed. A failure
 * that passes is thrown, so that the same model is explained alike tomorrow.
 */
export async function readBeside(
  { folder, location }: FoundModel,
  name: string,
  most: number = MAX_CONFIG_BYTES,
): Promise<Uint8Array | null> {
  // Of a plain web server nobody has said what is there, and its address may hold a right to one file only.
  if (isWebLocation(location)) return null;
  try {
    const { source } = await folder.open(name);
    try {
      return source.size > most ? null : await source.read(0, source.size);
    } finally {
      await source.close();
    }
  } catch (error) {
    if (!(error instanceof WeightmarkError) || error.kind === "passing") throw error;
    return null;
  }
}
