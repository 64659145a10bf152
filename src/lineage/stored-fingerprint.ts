import { stat } from "node:fs/promises";
import type { ByteSource } from "../bytes/byte-source.ts";
import { openFileSource } from "../bytes/file-source.ts";
import { fsPath } from "../bytes/path-text.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { isRemoteLocation } from "../checkpoint/location.ts";
import { WeightmarkError } from "../errors.ts";
import { isFingerprintHeader, MAX_FINGERPRINT_BYTES, parseFingerprint } from "../fingerprint/file.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { readSafetensorsHeader } from "../formats/safetensors/header.ts";

/** A fingerprint file with what was read of it. */
export interface StoredFingerprint {
  readonly location: string;
  readonly revision: string | null;
  readonly fingerprint: Fingerprint;
  readonly bytes: number;
}

/**
 * The fingerprint in a file of this machine that holds one, else null. What is no safetensors file is left to `openCheckpoint` to
 * name.
 */
export async function readFingerprintFile(location: string): Promise<StoredFingerprint | null> {
  const isFile = await stat(fsPath(location)).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return null;
  const source = await openFileSource(location);
  try {
    const header = await readSafetensorsHeader(source).catch(() => null);
    if (header === null || !isFingerprintHeader(header)) return null;
    return await readFingerprint(source, null);
  } finally {
    await source.close();
  }
}

/** The fingerprint that a far-away file turns out to be, else null. */
export async function fingerprintIn(checkpoint: Checkpoint): Promise<StoredFingerprint | null> {
  const { location, revision, files, metadata, tensors } = checkpoint;
  const [file] = files;
  if (!isRemoteLocation(location) || file === undefined || metadata == null) return null;
  return isFingerprintHeader({ metadata, tensors }) ? readFingerprint(file.source, revision ?? null) : null;
}

async function readFingerprint(source: ByteSource, revision: string | null): Promise<StoredFingerprint> {
  const { location, size: bytes } = source;
  if (bytes > MAX_FINGERPRINT_BYTES) {
    throw new WeightmarkError("FINGERPRINT_MALFORMED", `larger than ${MAX_FINGERPRINT_BYTES} bytes`, {
      file: location,
    });
  }
  return { location, revision, fingerprint: await parseFingerprint(await source.read(0, bytes), location), bytes };
}
