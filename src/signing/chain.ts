import { WeightmarkError } from "../errors.ts";
import type { Certificate } from "./certificate.ts";

const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
const ANY_PURPOSE = "2.5.29.37.0";
/** ECDSA and RSA with SHA-2, RSA-PSS, Ed25519 and Ed448: what is left out (MD5, SHA-1) can be forged. */
const STRONG = new Set([
  "1.2.840.10045.4.3.2",
  "1.2.840.10045.4.3.3",
  "1.2.840.10045.4.3.4",
  "1.2.840.113549.1.1.10",
  "1.2.840.113549.1.1.11",
  "1.2.840.113549.1.1.12",
  "1.2.840.113549.1.1.13",
  "1.3.101.112",
  "1.3.101.113",
]);
const MIN_RSA_BITS = 2048;
/** Signatures that are checked to find one path: names that are all the same would make it a great many. */
const MAX_CHECKS = 200;

/**
 * The path from a signer's certificate to a root that is trusted, the signer's first. Roots are those of `given` that signed
 * themselves; others of `given`, and what came with the signature, only help to get there.
 *
 * @param own the signer's, then what came with it
 * @param at the time at which every certificate of the path must be valid
 * @throws CERTIFICATE_UNTRUSTED, CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID, CERTIFICATE_NOT_FOR_SIGNING
 */
export function verifyChain(
  own: readonly Certificate[],
  given: readonly Certificate[],
  at: Date,
  file: string,
): readonly Certificate[] {
  const leaf = own[0]!;
  const roots = given.filter(signedItself);
  const helpers = [...own.slice(1), ...given.filter((one) => !roots.includes(one))];
  const isValid = (one: Certificate) => validityOf(one, at) === null;
  const path = findPath(leaf, roots, helpers, isValid);
  if (path === null)
    throw brokenChain(
      findPath(leaf, roots, helpers, () => true),
      at,
      file,
    );
  requirePurpose(leaf, file);
  return path;
}

/** Why there is no path that is valid now, from the one that there would be at another time. */
function brokenChain(path: readonly Certificate[] | null, at: Date, file: string): WeightmarkError {
  for (const one of path ?? []) {
    const code = validityOf(one, at);
    if (code === null) continue;
    const [when, time] =
      code === "CERTIFICATE_EXPIRED" ? ["expired at", one.notAfter] : ["is not valid before", one.notBefore];
    return new WeightmarkError(code, `the certificate of ${nameOf(one)} ${when} ${time.toISOString()}`, { file });
  }
  return new WeightmarkError(
    "CERTIFICATE_UNTRUSTED",
    "no path leads from the signing certificate to a root that is trusted",
    {
      file,
    },
  );
}

function validityOf(
  { notBefore, notAfter }: Certificate,
  at: Date,
): "CERTIFICATE_EXPIRED" | "CERTIFICATE_NOT_YET_VALID" | null {
  if (at < notBefore) return "CERTIFICATE_NOT_YET_VALID";
  return at > notAfter ? "CERTIFICATE_EXPIRED" : null;
}

function findPath(
  leaf: Certificate,
  roots: readonly Certificate[],
  helpers: readonly Certificate[],
  isUsable: (one: Certificate) => boolean,
): readonly Certificate[] | null {
  let checks = 0;
  const isRoot = (one: Certificate) => roots.some((root) => same(root, one));

  function extend(path: readonly Certificate[]): readonly Certificate[] | null {
    const last = path.at(-1)!;
    if (!isUsable(last) || last.unknownCritical.length > 0) return null;
    if (isRoot(last)) return path;
    for (const issuer of [...roots, ...helpers]) {
      // The names first: a signature costs a thousand times as much.
      if (path.some((one) => same(one, issuer)) || last.x509.issuer !== issuer.x509.subject) continue;
      if (!issuer.isAuthority || intermediates(path) > issuer.pathLength) continue;
      if (++checks > MAX_CHECKS) return null;
      const found = issued(issuer, last) ? extend([...path, issuer]) : null;
      if (found !== null) return found;
    }
    return null;
  }
  return extend([leaf]);
}

/** Certificates between the leaf and whoever issues the last, those that issued themselves under a new key not counted. */
function intermediates(path: readonly Certificate[]): number {
  return path.slice(1).filter(({ x509 }) => x509.issuer !== x509.subject).length;
}

function issued(issuer: Certificate, { x509, algorithm }: Certificate): boolean {
  const { publicKey } = issuer.x509;
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS;
  if (bits < MIN_RSA_BITS || !STRONG.has(algorithm)) return false;
  return x509.checkIssued(issuer.x509) && verifies(x509, publicKey);
}

function signedItself({ x509 }: Certificate): boolean {
  return x509.issuer === x509.subject && verifies(x509, x509.publicKey);
}

/** Node throws where the key cannot have made such a signature. */
function verifies(x509: Certificate["x509"], key: Certificate["x509"]["publicKey"]): boolean {
  try {
    return x509.verify(key);
  } catch {
    return false;
  }
}

/** RFC 5280, 4.2.1.12: a certificate that has both kinds of usage must be for a use by both; by one alone that one decides. */
function requirePurpose({ mayDigitallySign, purposes }: Certificate, file: string): void {
  const isForCode = purposes === null ? null : purposes.includes(CODE_SIGNING) || purposes.includes(ANY_PURPOSE);
  if (mayDigitallySign !== false && isForCode !== false && (mayDigitallySign ?? isForCode) !== null) return;
  const why = mayDigitallySign === false || isForCode === null ? "not for digital signatures" : "not for signing code";
  throw new WeightmarkError("CERTIFICATE_NOT_FOR_SIGNING", `the signing certificate is ${why}`, { file });
}

function same(a: Certificate, b: Certificate): boolean {
  return Buffer.compare(a.der, b.der) === 0;
}

/** A name on one line. Hostile. */
export function nameOf({ x509 }: Certificate): string {
  return (x509.subject ?? "").replaceAll("\n", ", ") || "no name";
}
