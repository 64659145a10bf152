import { WeightmarkError } from "../errors.ts";
import { readBundle } from "../signing/bundle.ts";
import type { SignedBy, Trust } from "../signing/trust.ts";
import { verifySigner } from "../signing/trust.ts";
import type { CaseDocument } from "./case-document.ts";
import { readCaseFile } from "./case-file.ts";
import { readCaseStatement } from "./case-statement.ts";

/**
 * Proves who sealed a case, before anything of it is read.
 *
 * @throws CASE_UNSEALED, CASE_MALFORMED, CASE_LIMIT, SIGNATURE_MALFORMED, SIGNATURE_UNSUPPORTED, SIGNATURE_INVALID,
 *   SIGNATURE_KEY_MISMATCH, SIGNATURE_METHOD; the codes of keys, certificates and Sigstore
 */
export async function proveSealedCase(
  file: string,
  trust: Trust,
): Promise<{ readonly document: CaseDocument; readonly signedBy: SignedBy }> {
  const found = await readCaseFile(file);
  if (found.kind === "open") {
    throw new WeightmarkError("CASE_UNSEALED", "the case is not sealed: nobody vouches for what it says", { file });
  }
  const bundle = readBundle(found.bytes, file);
  const signedBy = await verifySigner(bundle, trust, file);
  return { signedBy, document: readCaseStatement(bundle.payload, file) };
}

/**
 * The case that a sealed file says that it is, for showing it: whether its seal holds is not asked.
 *
 * @returns null where the file is no signature at all
 */
export function unprovenCase(bytes: Uint8Array, file: string): CaseDocument | null {
  // A bundle has these fields alone, in any order; a result begins with its schema.
  const start = Buffer.from(bytes.subarray(0, 200)).toString("latin1");
  if (!/^\s*\{\s*"(?:mediaType|dsseEnvelope|verificationMaterial)"/.test(start)) return null;
  return readCaseStatement(readBundle(bytes, file).payload, file);
}
