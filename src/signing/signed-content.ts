import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { fileError, openRegularFile } from "../bytes/regular-file.ts";
import { WeightmarkError } from "../errors.ts";
import { startHash } from "./hash-files.ts";
import type { Manifest } from "./manifest.ts";
import { type SignedFile, signedDigest, signedFiles } from "./signed-files.ts";
import type { SignedBy, Trust } from "./trust.ts";
import { proveSignature } from "./verify-model.ts";

/** A signature that one file must have. */
export interface SignatureRequirement {
  readonly trust: Trust;
  /** @default the name of the file with `.sig` */
  readonly signature?: string | undefined;
}

/** What must have been signed of one file, whose bytes are still to come. */
export interface SignedContent {
  readonly signedBy: SignedBy;
  /** Takes all bytes of the file in order; `finish` throws SIGNED_FILES_CHANGED unless they are those that were signed. */
  check(): ContentCheck;
}

export interface ContentCheck {
  update(bytes: Uint8Array): void;
  finish(): void;
}

/**
 * Proves the signature of a file, and finds what it says of it by its name: under another name the same bytes would be
 * registered as another model. Nothing of the file is read.
 *
 * @throws SIGNATURE_REQUIRED, SIGNED_FILES_CHANGED where it does not cover the file, and whatever `verifyModel` throws, or says
 *   that a signature does not hold by
 */
export async function signedContent(path: string, { trust, signature }: SignatureRequirement): Promise<SignedContent> {
  const place = signature ?? `${path}.sig`;
  const { manifest, signedBy } = await proveSignature(place, trust);
  const file = signedFiles(manifest, place).get(basename(path));
  if (file === undefined) throw changed(path, "its signature is not of a file of this name");
  return { signedBy, check: () => contentCheck(path, file, manifest) };
}

function contentCheck(path: string, file: SignedFile, { serialization }: Manifest): ContentCheck {
  const { hash, shardSize } = serialization;
  let running = startHash(hash);
  let start = 0;
  let at = 0;
  let isSame = true;
  const settle = () => {
    const range = shardSize === null ? null : ([start, at] as const);
    isSame &&= running.digest() === signedDigest(file, range, shardSize);
    running = startHash(hash);
    start = at;
  };
  return {
    update(bytes) {
      // Past what was signed there is no digest to hold anything against.
      if (file.size !== null && at + bytes.length > file.size) isSame = false;
      for (let from = 0; isSame && from < bytes.length; ) {
        const left = shardSize === null ? bytes.length : start + shardSize - at;
        const piece = bytes.subarray(from, from + left);
        running.update(piece);
        at += piece.length;
        from += piece.length;
        if (shardSize !== null && at - start === shardSize) settle();
      }
    },
    finish() {
      if (isSame && (shardSize === null || at > start)) settle();
      if (!isSame || (file.size !== null && at !== file.size))
        throw changed(path, "its bytes are not those that were signed");
    },
  };
}

/**
 * Reads a file to its end against its signature, so that nothing of a file that was changed is taken for anything. Whoever reads
 * it again holds what is read then against `check` as well: the file may be another by then.
 *
 * @throws what `signedContent` throws; SIGNED_FILES_CHANGED; what reading throws
 */
export async function verifySignedFile(path: string, requirement: SignatureRequirement): Promise<SignedContent> {
  const content = await signedContent(path, requirement);
  const check = content.check();
  const { handle } = await openRegularFile(path);
  const stream = createReadStream("", { fd: handle, highWaterMark: 1 << 20 });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) check.update(chunk);
  } catch (error) {
    throw fileError(error, path);
  } finally {
    stream.destroy();
  }
  check.finish();
  return content;
}

function changed(file: string, why: string): WeightmarkError {
  return new WeightmarkError("SIGNED_FILES_CHANGED", why, { file });
}
