import { WeightmarkError } from "../errors.ts";
import { openFileSource } from "./file-source.ts";

/**
 * A whole file that is to be small.
 *
 * @param tooLarge what to throw of one that is larger. @default BYTE_BUDGET_EXCEEDED
 * @throws what `openFileSource` throws
 */
export async function readSmallFile(
  path: string,
  maxBytes: number,
  tooLarge = () => budgetExceeded(path, maxBytes),
): Promise<Uint8Array> {
  const source = await openFileSource(path);
  try {
    if (source.size > maxBytes) throw tooLarge();
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}

function budgetExceeded(file: string, maxBytes: number): WeightmarkError {
  const detail = "Name a file of the kind that is asked for: none is so large.";
  return new WeightmarkError("BYTE_BUDGET_EXCEEDED", `the file has more than ${maxBytes} bytes`, { file, detail });
}
