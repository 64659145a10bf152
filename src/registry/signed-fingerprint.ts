import { readSmallFile } from "../bytes/small-file.ts";
import { MAX_FINGERPRINT_BYTES, parseFingerprint } from "../fingerprint/file.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { type SignatureRequirement, signedContent } from "../signing/signed-content.ts";

/**
 * The fingerprint in a file whose signature holds. The bytes that are held against the signature are those that the fingerprint
 * is made of, so that nobody can change the file in between.
 *
 * @throws what `signedContent` throws; SIGNED_FILES_CHANGED, FINGERPRINT_MALFORMED, FINGERPRINT_VERSION, what reading throws
 */
export async function readSignedFingerprint(path: string, requirement: SignatureRequirement): Promise<Fingerprint> {
  const check = (await signedContent(path, requirement)).check();
  const bytes = await readSmallFile(path, MAX_FINGERPRINT_BYTES);
  check.update(bytes);
  check.finish();
  return parseFingerprint(bytes, path);
}
