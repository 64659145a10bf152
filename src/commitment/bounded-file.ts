import { openRegularFile } from "../bytes/regular-file.ts";
import type { WeightmarkError } from "../errors.ts";

/** Commitments with many time stamps, and disclosures of hundreds of layers, stay below. */
const MAX_FILE_BYTES = 8 << 20;

/**
 * The bytes of a file of at most 8 MiB. `tooLarge` is thrown of a larger one.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE
 */
export async function readBoundedFile(path: string, tooLarge: () => WeightmarkError): Promise<Uint8Array> {
  const { handle, identity } = await openRegularFile(path);
  try {
    if (identity.size > MAX_FILE_BYTES) throw tooLarge();
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
