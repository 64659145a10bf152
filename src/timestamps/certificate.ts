import { isSignedBy, publicKeyOf, signatureScheme } from "./algorithms.ts";
import { contextTag, type Der, DerError, DerReader, inside, readDer, sequenceOf, TAG } from "./der.ts";
import { bitsOf, booleanOf, integerOf, oidOf, timeOf } from "./der-values.ts";
import type { SignatureScheme } from "./signature-scheme.ts";

/** What a path to a root needs to know of an X.509 certificate (RFC 5280). */
export interface Certificate {
  readonly whole: Uint8Array;
  /** DER of the names, compared byte by byte. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly serial: bigint;
  /** Milliseconds since 1970, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly subjectKeyId: Uint8Array | null;
  readonly isAuthority: boolean;
  /** Authorities that may stand below this one, or null where nothing is said. */
  readonly pathLength: bigint | null;
  readonly mayCertify: boolean;
  readonly maySign: boolean;
  /** Purposes, or null where nothing is said; and whether they must be understood. */
  readonly purposes: readonly string[] | null;
  readonly purposesCritical: boolean;
  /** Extensions that must be understood and are not. */
  readonly unknownCritical: readonly string[];
  /** Whether the key of this certificate made a signature. @throws AlgorithmError */
  verifies(scheme: SignatureScheme, data: Uint8Array, signature: Uint8Array): boolean;
  /** Whether the key of that one signed this certificate. @throws AlgorithmError */
  isSignedBy(issuer: Certificate): boolean;
}

const SUBJECT_KEY_ID = "2.5.29.14";
const KEY_USAGE = "2.5.29.15";
const BASIC_CONSTRAINTS = "2.5.29.19";
const PURPOSES = "2.5.29.37";
/** Policies narrow what a certificate is for in words; whoever names the root decides for itself. */
const POLICIES = "2.5.29.32";
const COMMON_NAME = "2.5.4.3";
const MAX_NAME = 200;

interface Extension {
  readonly critical: boolean;
  /** What lies in it, which only those that are understood are read for. */
  readonly value: Uint8Array;
}

/** @throws DerError */
export function readCertificate(bytes: Uint8Array): Certificate {
  const whole = readDer(bytes);
  const outer = sequenceOf(whole);
  const signed = outer.next(TAG.sequence);
  const algorithm = outer.next(TAG.sequence);
  const signature = outer.next(TAG.bitString);
  outer.end();
  const fields = sequenceOf(signed);
  fields.optional(contextTag(0));
  const serial = integerOf(fields.next());
  const stated = fields.next(TAG.sequence);
  if (Buffer.compare(stated.whole, algorithm.whole) !== 0) throw new DerError("a certificate states two signatures");
  const issuer = fields.next(TAG.sequence).whole;
  const validity = sequenceOf(fields.next());
  const [notBefore, notAfter] = [timeOf(validity.next()), timeOf(validity.next())];
  validity.end();
  const subject = fields.next(TAG.sequence).whole;
  const spki = fields.next(TAG.sequence).whole;
  // Unique identifiers, which nobody uses, are primitive.
  for (const tag of [0x81, 0x82]) fields.optional(tag);
  const extensions = extensionsOf(fields.optional(contextTag(3)));
  fields.end();
  if (signature.content[0] !== 0) throw new DerError("a signature ends within a byte");

  const constraints = constraintsOf(extensions.get(BASIC_CONSTRAINTS)?.value);
  const usage = extensions.get(KEY_USAGE);
  const uses = usage === undefined ? () => true : bitsOf(readDer(usage.value));
  const purposes = extensions.get(PURPOSES);
  const keyId = extensions.get(SUBJECT_KEY_ID);
  const known = new Set([SUBJECT_KEY_ID, KEY_USAGE, BASIC_CONSTRAINTS, PURPOSES, POLICIES]);
  return {
    whole: whole.whole,
    issuer,
    subject,
    serial,
    notBefore,
    notAfter,
    subjectKeyId: keyId === undefined ? null : readDer(keyId.value).content,
    ...constraints,
    mayCertify: uses(5),
    // digitalSignature or nonRepudiation (RFC 3161, 2.3).
    maySign: uses(0) || uses(1),
    purposes: purposes === undefined ? null : sequenceOf(readDer(purposes.value)).rest().map(oidOf),
    purposesCritical: purposes?.critical ?? false,
    unknownCritical: [...extensions].filter(([oid, { critical }]) => critical && !known.has(oid)).map(([oid]) => oid),
    verifies: (scheme, data, made) => isSignedBy(publicKeyOf(spki), scheme, data, made),
    isSignedBy: (issuer) => issuer.verifies(schemeOf(algorithm), signed.whole, signature.content.subarray(1)),
  };
}

function schemeOf(algorithm: Der): SignatureScheme {
  return signatureScheme(algorithm, null);
}

function extensionsOf(der: Der | null): Map<string, Extension> {
  const found = new Map<string, Extension>();
  if (der === null) return found;
  for (const one of sequenceOf(inside(der, contextTag(3))).rest()) {
    const fields = sequenceOf(one);
    const oid = oidOf(fields.next());
    const critical = fields.optional(TAG.boolean);
    const value = fields.next(TAG.octetString).content;
    fields.end();
    if (found.has(oid)) throw new DerError("a certificate has an extension twice");
    found.set(oid, { critical: critical !== null && booleanOf(critical), value });
  }
  return found;
}

function constraintsOf(value: Uint8Array | undefined): Pick<Certificate, "isAuthority" | "pathLength"> {
  if (value === undefined) return { isAuthority: false, pathLength: null };
  const fields = sequenceOf(readDer(value));
  const isAuthority = fields.optional(TAG.boolean);
  const pathLength = fields.optional(TAG.integer);
  fields.end();
  return {
    isAuthority: isAuthority !== null && booleanOf(isAuthority),
    pathLength: pathLength === null ? null : integerOf(pathLength),
  };
}

/** The common name of a subject, for people; raw, to be escaped by the one who prints it. */
export function commonName({ subject }: Certificate): string {
  for (const set of sequenceOf(readDer(subject)).rest()) {
    const fields = sequenceOf(new DerReader(set, TAG.set).next());
    if (oidOf(fields.next()) === COMMON_NAME)
      return Buffer.from(fields.next().content).toString("utf8").slice(0, MAX_NAME);
  }
  return "(no common name)";
}
