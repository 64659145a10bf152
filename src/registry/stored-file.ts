import { openFileSource } from "../bytes/file-source.ts";
import { WeightmarkError } from "../errors.ts";

/**
 * A whole file of the registry, or null when it is not there. Whatever someone put in its place, reading neither blocks
 * nor takes more memory than the file may need.
 *
 * @throws FILE_UNREADABLE, NOT_A_REGULAR_FILE
 */
export async function readStored(path: string, maxBytes: number): Promise<Uint8Array | null> {
  const source = await openFileSource(path).catch((error) => {
    if (error instanceof WeightmarkError && error.code === "FILE_NOT_FOUND") return null;
    throw error;
  });
  if (source === null) return null;
  try {
    if (source.size > maxBytes) {
      throw new WeightmarkError("FILE_UNREADABLE", `larger than the ${maxBytes} bytes it may have`, {
        file: path,
        detail: "Put back what weightmark wrote there, from a copy: this is something else.",
      });
    }
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}
