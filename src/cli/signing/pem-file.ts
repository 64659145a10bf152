import { stat } from "node:fs/promises";
import { WeightmarkError } from "../../errors.ts";
import type { PemText } from "../../signing/index.ts";

/** All roots of a system are a quarter of this. */
const MAX_PEM_BYTES = 1 << 20;

/** A text that is short, as keys, certificates and trusted roots are. */
export async function readText(file: string): Promise<string> {
  const { readSmallFile } = await import("../../bytes/small-file.ts");
  return Buffer.from(await readSmallFile(file, MAX_PEM_BYTES)).toString("utf8");
}

export async function readPem(file: string): Promise<PemText> {
  return { pem: await readText(file), file };
}

/** Several files as one text, for a chain may lie in one file or in many. */
export async function readPems(files: readonly string[]): Promise<PemText> {
  const texts = await Promise.all(files.map(readText));
  return { pem: texts.join("\n"), file: files.length === 1 ? files[0] : undefined };
}

/** A private key. Refuses one that lies open for others than its owner, as a watermark key is refused. */
export async function readPrivateKeyFile(file: string): Promise<PemText> {
  const { isExposed } = await import("../../watermark/key/secret-file.ts");
  const key = await readPem(file);
  const isSealed = /ENCRYPTED/.test(key.pem);
  if (isSealed || !isExposed(await stat(file))) return key;
  throw new WeightmarkError("KEY_FILE_PERMISSIONS", "others than its owner may read or change the private key", {
    file,
    detail: "Allow it to its owner alone (chmod 600), and make a new key if somebody may have read this one.",
  });
}
