import { constants, createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { contextTag, type Der, DerError, inside, sequenceOf, TAG } from "./der.ts";
import { integerOf, oidOf } from "./der-values.ts";
import type { Digest, SignatureScheme } from "./signature-scheme.ts";

/** An algorithm that nobody should rely on any more, or that is not known here. */
export class AlgorithmError extends Error {}

export const SHA256 = "2.16.840.1.101.3.4.2.1";
const DIGESTS: ReadonlyMap<string, Digest> = new Map([
  [SHA256, "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
]);

const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const RSA_PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";
const WITH_RSA: ReadonlyMap<string, Digest> = new Map([
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
]);
const WITH_ECDSA: ReadonlyMap<string, Digest> = new Map([
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
]);
const LEAST_RSA_BITS = 2048;
const CURVES = new Set(["prime256v1", "secp384r1", "secp521r1"]);

/** The digest of an AlgorithmIdentifier. */
export function digestAlgorithm(der: Der): Digest {
  const fields = sequenceOf(der);
  const oid = oidOf(fields.next());
  fields.optional(TAG.null);
  fields.end();
  const digest = DIGESTS.get(oid);
  if (digest === undefined) throw new AlgorithmError(`digest ${oid} is not accepted: SHA-256, SHA-384 and SHA-512 are`);
  return digest;
}

/**
 * How a signature with this AlgorithmIdentifier is made.
 *
 * @param stated the digest that a CMS signer states beside it, which a plain RSA identifier leaves open; null in certificates
 */
export function signatureScheme(der: Der, stated: Digest | null): SignatureScheme {
  const fields = sequenceOf(der);
  const oid = oidOf(fields.next());
  const scheme = ((): SignatureScheme | null => {
    if (oid === RSA_PSS) return pssScheme(fields.next());
    if (oid === RSA_ENCRYPTION && stated !== null) return { key: "rsa", digest: stated, pssSalt: null };
    const [rsa, ec] = [WITH_RSA.get(oid), WITH_ECDSA.get(oid)];
    if (rsa !== undefined) return { key: "rsa", digest: rsa, pssSalt: null };
    return ec === undefined ? null : { key: "ec", digest: ec, pssSalt: null };
  })();
  if (scheme === null) throw new AlgorithmError(`signature ${oid} is not accepted: RSA and ECDSA with SHA-2 are`);
  fields.optional(TAG.null);
  fields.end();
  if (stated !== null && scheme.digest !== stated) throw new DerError("the signer states two digests");
  return scheme;
}

/** RFC 8017, A.2.3. What is left out stands for SHA-1, which is not accepted. */
function pssScheme(der: Der): SignatureScheme {
  const fields = sequenceOf(der);
  const [hash, mask, salt] = [0, 1, 2].map((n) => fields.optional(contextTag(n)));
  const trailer = fields.optional(contextTag(3));
  fields.end();
  if (hash == null || mask == null)
    throw new AlgorithmError("the signature is RSASSA-PSS with SHA-1, which is not accepted");
  const digest = digestAlgorithm(inside(hash, contextTag(0)));
  const masks = sequenceOf(inside(mask, contextTag(1)));
  if (oidOf(masks.next()) !== MGF1 || digestAlgorithm(masks.next()) !== digest) {
    throw new AlgorithmError("the signature is RSASSA-PSS with another mask than its digest's");
  }
  masks.end();
  if (trailer !== null && integerOf(inside(trailer, contextTag(3))) !== 1n)
    throw new DerError("the trailer is unknown");
  const length = salt == null ? 20n : integerOf(inside(salt, contextTag(2)));
  if (length < 0n || length > 512n) throw new DerError("the salt has an impossible length");
  return { key: "rsa", digest, pssSalt: Number(length) };
}

/** The key of a SubjectPublicKeyInfo. */
export function publicKeyOf(spki: Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch {
    throw new AlgorithmError("the public key is of no kind that is accepted");
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const isRsa = type === "rsa" || type === "rsa-pss";
  if (isRsa && (details?.modulusLength ?? 0) >= LEAST_RSA_BITS) return key;
  if (type === "ec" && CURVES.has(details?.namedCurve ?? "")) return key;
  throw new AlgorithmError(
    isRsa ? `an RSA key has less than ${LEAST_RSA_BITS} bits` : "the public key is of no kind that is accepted",
  );
}

export function isSignedBy(key: KeyObject, scheme: SignatureScheme, data: Uint8Array, signature: Uint8Array): boolean {
  const isRsa = key.asymmetricKeyType !== "ec";
  if (isRsa !== (scheme.key === "rsa")) return false;
  const padding =
    scheme.pssSalt === null
      ? isRsa
        ? { padding: constants.RSA_PKCS1_PADDING }
        : {}
      : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.pssSalt };
  try {
    return verify(scheme.digest, data, { key, ...padding }, signature);
  } catch {
    return false;
  }
}

export function digested(digest: Digest | "sha1", data: Uint8Array): Buffer {
  return createHash(digest).update(data).digest();
}
