import { bundleFromJSON, type Bundle as SigstoreBundle } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import {
  PolicyError,
  type TrustMaterial,
  toSignedEntity,
  toTrustMaterial,
  VerificationError,
  Verifier,
} from "@sigstore/verify";
import { z } from "zod";
import { WeightmarkError } from "../errors.ts";
import { type Bundle, PAYLOAD_TYPE } from "./bundle.ts";
import { parseStrictJson } from "./strict-json.ts";

/** What is compared with one another, and what recurses over its bytes: no bundle comes near. */
const MAX_PROOFS = 16;
const MAX_PROOF_CHARACTERS = 1 << 20;

const proofs = z.array(z.unknown()).max(MAX_PROOFS);
const limits = z.object({
  verificationMaterial: z.object({
    certificate: z.object({ rawBytes: z.string().max(1 << 17) }),
    tlogEntries: proofs.min(1),
    timestampVerificationData: z.object({ rfc3161Timestamps: proofs.nullish() }).nullish(),
  }),
});

/** Who signed without a key of their own, as the certificate of the instance says. Hostile. */
export interface SigstoreIdentity {
  readonly identity: string;
  readonly issuer: string;
}

/** What is trusted, and who must have signed. */
export interface SigstoreExpectation extends SigstoreIdentity {
  /** JSON of a trusted root, or of a client's configuration that holds one. */
  readonly trustedRoot: string;
  readonly file?: string | undefined;
}

/**
 * Verifies a keyless signature without a connection: certificate, its log, the transparency log, timestamps and signature by
 * `@sigstore/verify`, then who signed, letter by letter.
 *
 * @param file the signature, as messages call it
 * @throws TRUSTED_ROOT_MALFORMED, SIGNATURE_MALFORMED, SIGSTORE_UNVERIFIED, SIGNER_UNEXPECTED
 */
export function verifySigstore(
  json: unknown,
  { payload }: Bundle,
  expected: SigstoreExpectation,
  file: string,
): SigstoreIdentity {
  const trust = trustMaterial(expected);
  const bundle = readSigstoreBundle(json, file);
  // Two readers have read the file: what one has verified must be what the other goes by.
  const envelope = bundle.content.$case === "dsseEnvelope" ? bundle.content.dsseEnvelope : null;
  if (envelope === null || envelope.payloadType !== PAYLOAD_TYPE || !Buffer.from(payload).equals(envelope.payload)) {
    throw new WeightmarkError(
      "SIGNATURE_MALFORMED",
      "this is no signature that can be read: its envelope is ambiguous",
      { file },
    );
  }
  const { identity } = orUnverified(() => new Verifier(trust).verify(toSignedEntity(bundle)), file);
  const found = { identity: identity?.subjectAlternativeName ?? "", issuer: identity?.extensions?.issuer ?? "" };
  if (found.identity === expected.identity && found.issuer === expected.issuer) return found;
  throw new WeightmarkError("SIGNER_UNEXPECTED", `it was signed by ${found.identity} of ${found.issuer}`, { file });
}

function trustMaterial({ trustedRoot, file }: SigstoreExpectation): TrustMaterial {
  const malformed = (why: string, cause?: unknown) =>
    new WeightmarkError("TRUSTED_ROOT_MALFORMED", `this is no trusted root: ${why}`, { file, cause });
  const json = parseStrictJson(Buffer.from(trustedRoot), malformed) as Record<string, unknown> | null;
  try {
    const root = TrustedRoot.fromJSON(json?.trustedRoot ?? json);
    if (root.certificateAuthorities.length === 0 || root.tlogs.length === 0)
      throw new Error("it names no authority or no log");
    return toTrustMaterial(root);
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
}

function readSigstoreBundle(json: unknown, file: string): SigstoreBundle {
  const malformed = (why: string, cause?: unknown) =>
    new WeightmarkError("SIGNATURE_MALFORMED", `this is no signature that can be read: ${why}`, { file, cause });
  const { success, data, error } = limits.safeParse(json);
  if (!success) throw malformed(error.issues[0]!.message);
  if (JSON.stringify(data.verificationMaterial).length > MAX_PROOF_CHARACTERS)
    throw malformed("its proofs are too long");
  try {
    return bundleFromJSON(json);
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
}

function orUnverified<T>(verify: () => T, file: string): T {
  try {
    return verify();
  } catch (cause) {
    const says = cause instanceof VerificationError || cause instanceof PolicyError;
    const why = says ? (cause as Error).message : "its proofs cannot be read";
    throw new WeightmarkError("SIGSTORE_UNVERIFIED", `the keyless signature does not hold: ${why}`, { file, cause });
  }
}
