import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fsPath } from "../bytes/path-text.ts";
import { fileError } from "../bytes/regular-file.ts";

/** Where the signature of a model lies unless it is named: `model.sig` in a directory, the name with `.sig` beside a file. */
export async function signaturePlace(path: string): Promise<string> {
  const stats = await stat(fsPath(path)).catch((error) => {
    throw fileError(error, path);
  });
  return stats.isDirectory() ? join(path, "model.sig") : `${path}.sig`;
}
