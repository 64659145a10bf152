import { WeightmarkError } from "../errors.ts";
import { openFileSource } from "./file-source.ts";

/**
 * A whole file that is to be small.
 *
 * @throws what `openFileSource` throws; BYTE_BUDGET_EXCEEDED for one that is larger
 */
export async function readSmallFile(path: string, maxBytes: number): Promise<Uint8Array> {
  const source = await openFileSource(path);
  try {
    if (source.size <= maxBytes) return await source.read(0, source.size);
    throw new WeightmarkError("BYTE_BUDGET_EXCEEDED", `the file has more than ${maxBytes} bytes`, {
      file: path,
      detail: "Name a file of the kind that is asked for: none is so large.",
    });
  } finally {
    await source.close();
  }
}
