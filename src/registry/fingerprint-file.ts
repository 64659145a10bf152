import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { WeightmarkError } from "../errors.ts";
import { MAX_FINGERPRINT_BYTES } from "../fingerprint/file.ts";
import { digestOf } from "./digest.ts";
import { isDigest } from "./names.ts";
import { readStored } from "./stored-file.ts";

/** `digest` is 64 hex digits everywhere it can come from, so the path stays inside the directory. */
export function fingerprintPath(directory: string, digest: string): string {
  return join(directory, "fingerprints", `${digest}.safetensors`);
}

/** The digests that files are named by, registered or not. */
export async function storedDigests(directory: string): Promise<string[]> {
  const files = await readdir(join(directory, "fingerprints")).catch(() => []);
  return files.flatMap((file) => {
    const digest = file.slice(0, 64);
    return file === `${digest}.safetensors` && isDigest(digest) ? [digest] : [];
  });
}

/**
 * The stored bytes of a registered fingerprint.
 *
 * @param name what messages call it
 * @throws REGISTRY_ENTRY_MISSING, REGISTRY_ENTRY_POISONED
 */
export async function readFingerprintFile(
  directory: string,
  digest: string,
  name: string,
  maxBytes: number = MAX_FINGERPRINT_BYTES,
): Promise<Uint8Array> {
  const path = fingerprintPath(directory, digest);
  const bytes = await readStored(path, Math.min(maxBytes, MAX_FINGERPRINT_BYTES)).catch((error) => {
    throw poisoned(path, name, error);
  });
  if (bytes === null) {
    throw new WeightmarkError("REGISTRY_ENTRY_MISSING", "a registered fingerprint is gone", {
      file: path,
      detail: `Register ${name} again, or remove it.`,
    });
  }
  if (digestOf(bytes) !== digest) throw poisoned(path, name);
  return bytes;
}

function poisoned(path: string, name: string, cause?: unknown): WeightmarkError {
  return new WeightmarkError("REGISTRY_ENTRY_POISONED", "a registered fingerprint is not what was registered", {
    file: path,
    detail: `Its file has changed since; register ${name} again from its weights, or remove it.`,
    cause,
  });
}
