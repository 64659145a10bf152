import { digestAlgorithm, signatureScheme } from "./algorithms.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { contextTag, type Der, DerError, DerReader, inside, readDer, sequenceOf, TAG } from "./der.ts";
import { booleanOf, integerOf, oidOf, timeOf } from "./der-values.ts";
import type { Digest, SignatureScheme } from "./signature-scheme.ts";

/** A time stamp token (RFC 3161, 2.4.2) as it was read: nothing of it is proven yet. */
export interface TimestampToken {
  /** What is signed by way of its digest. */
  readonly content: Uint8Array;
  readonly info: TimestampInfo;
  readonly certificates: readonly Certificate[];
  readonly signer: Signer;
}

export interface TimestampInfo {
  readonly policy: string;
  readonly digest: Digest;
  /** Digest of what was stamped. */
  readonly imprint: Uint8Array;
  readonly serial: bigint;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Milliseconds that the time may be off, rounded up; null where the authority says nothing. */
  readonly accuracy: number | null;
  readonly nonce: bigint | null;
}

export interface Signer {
  /** By which the certificate is found: issuer and serial number, or key identifier. */
  readonly isOf: (certificate: Certificate) => boolean;
  readonly digest: Digest;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
  /** What the signature is over. */
  readonly signed: Uint8Array;
  readonly messageDigest: Uint8Array;
  /** Hash of the certificate that signed, so that it cannot be exchanged for another of the same key. */
  readonly certificateHash: { readonly digest: Digest | "sha1"; readonly hash: Uint8Array };
}

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const TIMESTAMP_INFO = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
const SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";

/** Tokens with a chain of certificates take some kilobytes. */
export const MAX_TOKEN_BYTES = 1 << 18;
const MAX_CERTIFICATES = 16;

/** @throws DerError, AlgorithmError */
export function readToken(bytes: Uint8Array): TimestampToken {
  if (bytes.length > MAX_TOKEN_BYTES) throw new DerError("the token is too large");
  const outer = sequenceOf(readDer(bytes));
  if (oidOf(outer.next()) !== SIGNED_DATA) throw new DerError("the token is no signed data");
  const fields = sequenceOf(inside(outer.next(), contextTag(0)));
  outer.end();
  integerOf(fields.next());
  fields.next(TAG.set);
  const wrapped = sequenceOf(fields.next());
  if (oidOf(wrapped.next()) !== TIMESTAMP_INFO) throw new DerError("what is signed is no time stamp");
  const { content, tag } = inside(wrapped.next(), contextTag(0));
  wrapped.end();
  if (tag !== TAG.octetString) throw new DerError("what is signed is not in one piece");
  const certificates = fields.optional(contextTag(0));
  fields.optional(contextTag(1));
  const signers = new DerReader(fields.next(), TAG.set);
  fields.end();
  const signer = signerOf(signers.next());
  signers.end();
  return { content, info: infoOf(content), certificates: certificatesOf(certificates), signer };
}

function certificatesOf(der: Der | null): Certificate[] {
  const all = der === null ? [] : new DerReader(der, contextTag(0)).rest();
  if (all.length > MAX_CERTIFICATES) throw new DerError("there are too many certificates");
  return all.map(({ whole }) => readCertificate(whole));
}

function infoOf(content: Uint8Array): TimestampInfo {
  const fields = sequenceOf(readDer(content));
  if (integerOf(fields.next()) !== 1n) throw new DerError("the time stamp is of another version");
  const policy = oidOf(fields.next());
  const imprint = sequenceOf(fields.next());
  const digest = digestAlgorithm(imprint.next());
  const hash = imprint.next(TAG.octetString).content;
  imprint.end();
  const serial = integerOf(fields.next());
  const at = fields.next(TAG.generalizedTime);
  const accuracy = fields.optional(TAG.sequence);
  const ordering = fields.optional(TAG.boolean);
  if (ordering !== null) booleanOf(ordering);
  const nonce = fields.optional(TAG.integer);
  fields.optional(contextTag(0));
  const extensions = fields.optional(contextTag(1));
  fields.end();
  if (extensions !== null) requireNoneCritical(extensions);
  return {
    policy,
    digest,
    imprint: hash,
    serial,
    time: timeOf(at),
    accuracy: accuracy === null ? null : accuracyOf(accuracy),
    nonce: nonce === null ? null : integerOf(nonce),
  };
}

function accuracyOf(der: Der): number {
  const fields = sequenceOf(der);
  const [seconds, millis, micros] = [TAG.integer, 0x80, 0x81].map((tag) => {
    const part = fields.optional(tag);
    const value = part === null ? 0n : integerOf(part, tag);
    if (value < 0n || value > 10_000_000n) throw new DerError("the accuracy is none");
    return Number(value);
  });
  fields.end();
  return seconds! * 1000 + millis! + Math.ceil(micros! / 1000);
}

function requireNoneCritical(der: Der): void {
  for (const one of new DerReader(der, contextTag(1)).rest()) {
    const fields = sequenceOf(one);
    const oid = oidOf(fields.next());
    const critical = fields.optional(TAG.boolean);
    if (critical !== null && booleanOf(critical)) throw new DerError(`the time stamp has an unknown extension ${oid}`);
  }
}

function signerOf(der: Der): Signer {
  const fields = sequenceOf(der);
  integerOf(fields.next());
  const isOf = identified(fields.next());
  const digest = digestAlgorithm(fields.next());
  const attributes = fields.next(contextTag(0));
  const scheme = signatureScheme(fields.next(), digest);
  const signature = fields.next(TAG.octetString).content;
  fields.optional(contextTag(1));
  fields.end();
  const found = attributesOf(attributes);
  const value = (oid: string): Der => {
    const one = found.get(oid);
    if (one === undefined) throw new DerError(`the signed attribute ${oid} is missing`);
    return one;
  };
  if (oidOf(value(CONTENT_TYPE)) !== TIMESTAMP_INFO) throw new DerError("the signer signed something else");
  const messageDigest = value(MESSAGE_DIGEST);
  if (messageDigest.tag !== TAG.octetString) throw new DerError("the digest is none");
  // The signature is over the attributes as a SET (RFC 5652, 5.4).
  const signed = Uint8Array.from(attributes.whole);
  signed[0] = TAG.set;
  const second = found.get(SIGNING_CERTIFICATE_V2);
  const certificateHash = second === undefined ? hashOfFirst(value(SIGNING_CERTIFICATE)) : hashOfSecond(second);
  return { isOf, digest, scheme, signature, signed, messageDigest: messageDigest.content, certificateHash };
}

function identified(sid: Der): Signer["isOf"] {
  // [0] SubjectKeyIdentifier is implicit and primitive.
  if (sid.tag === 0x80) {
    return ({ subjectKeyId }) => subjectKeyId !== null && Buffer.compare(subjectKeyId, sid.content) === 0;
  }
  const fields = sequenceOf(sid);
  const issuer = fields.next(TAG.sequence).whole;
  const serial = integerOf(fields.next());
  fields.end();
  return (one) => one.serial === serial && Buffer.compare(one.issuer, issuer) === 0;
}

/** By type, the one value of each. */
function attributesOf(der: Der): Map<string, Der> {
  const found = new Map<string, Der>();
  for (const one of new DerReader(der, contextTag(0)).rest()) {
    const fields = sequenceOf(one);
    const oid = oidOf(fields.next());
    const values = new DerReader(fields.next(), TAG.set);
    fields.end();
    if (found.has(oid)) throw new DerError("a signed attribute stands twice");
    found.set(oid, values.next());
    values.end();
  }
  return found;
}

/** ESSCertID (RFC 2634, 5.4.1): SHA-1, which here only says which of the certificates is meant. */
function hashOfFirst(der: Der): Signer["certificateHash"] {
  const first = sequenceOf(sequenceOf(sequenceOf(der).next()).next());
  return { digest: "sha1", hash: first.next(TAG.octetString).content };
}

/** ESSCertIDv2 (RFC 5816, 2.2.1), SHA-256 where nothing else is said. */
function hashOfSecond(der: Der): Signer["certificateHash"] {
  const first = sequenceOf(sequenceOf(sequenceOf(der).next()).next());
  const algorithm = first.optional(TAG.sequence);
  const digest = algorithm === null ? "sha256" : digestAlgorithm(algorithm);
  return { digest, hash: first.next(TAG.octetString).content };
}
