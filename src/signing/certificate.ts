import { X509Certificate } from "node:crypto";
import { X509Certificate as Fields } from "@sigstore/core";
import { WeightmarkError } from "../errors.ts";
import type { PemText } from "./pem-text.ts";

/** Of one certificate, DER: what parses it recurses, and none comes near. */
const MAX_CERTIFICATE_BYTES = 1 << 16;
/** Roots that a system trusts are some 150. */
const MAX_PEM_CERTIFICATES = 1000;

const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
/** What is looked at here, or restricts nothing that matters here: names, policies' texts, where to ask for more. */
const UNDERSTOOD = new Set([BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, "2.5.29.14", "2.5.29.17", "2.5.29.35"]);

/** One certificate. Everything in it is the word of whoever signed it. */
export interface Certificate {
  readonly der: Uint8Array;
  readonly x509: X509Certificate;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** OID of the algorithm that it was signed with. */
  readonly algorithm: string;
  /** May sign other certificates, by its constraints and its key usage. */
  readonly isAuthority: boolean;
  /** Certificates of others that may stand between it and a leaf. */
  readonly pathLength: number;
  /** By key usage; null where it says nothing. */
  readonly mayDigitallySign: boolean | null;
  /** OIDs of its extended key usage, or null where it has none. */
  readonly purposes: readonly string[] | null;
  /** OIDs of critical extensions that are not understood here. */
  readonly unknownCritical: readonly string[];
}

/**
 * @param file where it comes from, as messages call it
 * @throws CERTIFICATE_MALFORMED
 */
export function readCertificate(der: Uint8Array, file: string | undefined): Certificate {
  const malformed = (why: string) => new WeightmarkError("CERTIFICATE_MALFORMED", why, { file });
  if (der.length > MAX_CERTIFICATE_BYTES)
    throw malformed(`a certificate is larger than ${MAX_CERTIFICATE_BYTES} bytes`);
  try {
    const x509 = new X509Certificate(der);
    // OpenSSL passes over what follows the certificate.
    if (x509.raw.length !== der.length) throw malformed("bytes follow a certificate");
    // Reading the key refuses those that no signature could be checked with.
    if (x509.publicKey.type !== "public") throw malformed("a certificate has no public key");
    return { der, x509, ...fieldsOf(der) };
  } catch (error) {
    if (error instanceof WeightmarkError) throw error;
    throw malformed("a certificate is damaged");
  }
}

function fieldsOf(der: Uint8Array): Omit<Certificate, "der" | "x509"> {
  const fields = Fields.parse(Buffer.from(der));
  const extensions = fields.extensions.map((extension) => ({
    oid: extension.subs[0]!.toOID(),
    critical: extension.subs.length === 3 && extension.subs[1]!.toBoolean(),
  }));
  if (new Set(extensions.map(({ oid }) => oid)).size !== extensions.length)
    throw new Error("an extension stands twice");
  const usage = fields.extKeyUsage;
  const constraints = fields.extBasicConstraints;
  const purposes = fields.extension(EXTENDED_KEY_USAGE)?.valueObj.subs[0]?.subs.map((purpose) => purpose.toOID());
  const pathLength = constraints?.pathLenConstraint;
  return {
    notBefore: valid(fields.notBefore),
    notAfter: valid(fields.notAfter),
    algorithm: fields.root.subs[1]!.subs[0]!.toOID(),
    isAuthority: (constraints?.isCA ?? false) && (usage === undefined || usage.keyCertSign),
    pathLength: pathLength === undefined ? Number.POSITIVE_INFINITY : Number(pathLength),
    mayDigitallySign: usage === undefined ? null : usage.digitalSignature,
    purposes: purposes ?? null,
    unknownCritical: extensions.filter(({ oid, critical }) => critical && !UNDERSTOOD.has(oid)).map(({ oid }) => oid),
  };
}

function valid(date: Date): Date {
  if (Number.isNaN(date.getTime())) throw new Error("a date is none");
  return date;
}

/**
 * All certificates of a text in PEM, in their order.
 *
 * @throws CERTIFICATE_MALFORMED, also where there is none
 */
export function readCertificates({ pem, file }: PemText): Certificate[] {
  const malformed = (why: string) => new WeightmarkError("CERTIFICATE_MALFORMED", why, { file });
  const pieces = pem.split("-----BEGIN CERTIFICATE-----").slice(1);
  if (pieces.length === 0) throw malformed("no certificate in PEM");
  if (pieces.length > MAX_PEM_CERTIFICATES) throw malformed(`more than ${MAX_PEM_CERTIFICATES} certificates`);
  return pieces.map((piece) => {
    const end = piece.indexOf("-----END CERTIFICATE-----");
    const text = piece.slice(0, end).replaceAll(/\s/g, "");
    if (end < 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw malformed("a certificate is cut off or no PEM");
    return readCertificate(Buffer.from(text, "base64"), file);
  });
}
