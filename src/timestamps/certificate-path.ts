import { type Certificate, commonName } from "./certificate.ts";

/** Why no path leads from a certificate to a root. */
export interface PathProblem {
  readonly why: "untrusted" | "expired" | "not-yet-valid";
  readonly message: string;
}

const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
const ANY_PURPOSE = "2.5.29.37.0";
const MAX_PATH = 8;

/** A certificate for time stamps must be for nothing else, and say so such that everybody has to heed it (RFC 3161, 2.3). */
export function signerProblem(certificate: Certificate): PathProblem | null {
  const { purposes, purposesCritical, maySign } = certificate;
  const isForTime = purposes?.length === 1 && purposes[0] === TIME_STAMPING && purposesCritical && maySign;
  return isForTime ? null : untrusted(`the certificate ${quoted(certificate)} is not for time stamps alone`);
}

/**
 * Why a certificate does not lead to one of the roots at a time (milliseconds since 1970), or null where it does. Roots
 * are what the caller trusts, whatever stands in them but their dates. Whether a certificate was revoked is not asked.
 *
 * @throws AlgorithmError
 */
export function pathProblem(
  certificate: Certificate,
  others: readonly Certificate[],
  roots: readonly Certificate[],
  time: number,
): PathProblem | null {
  let at = certificate;
  // A root that signed itself leads nowhere else, and two authorities may have signed one another.
  const passed = new Set<Certificate>();
  for (let below = 0n; below < MAX_PATH; below++) {
    const dated = dateProblem(at, time);
    if (dated !== null) return dated;
    if (at.unknownCritical.length > 0) {
      return untrusted(`the certificate ${quoted(at)} has the unknown extension ${at.unknownCritical[0]}`);
    }
    if (roots.some(({ whole }) => Buffer.compare(whole, at.whole) === 0)) return null;
    const root = roots.find((one) => signs(one, at));
    if (root !== undefined) return dateProblem(root, time);
    passed.add(at);
    const next = others.find((one) => !passed.has(one) && mayIssue(one, below) && signs(one, at));
    if (next === undefined) return untrusted(`no root that was given signed ${quoted(at)}, or an authority above it`);
    at = next;
  }
  return untrusted(`the certificates above ${quoted(certificate)} do not end`);
}

function signs(issuer: Certificate, { issuer: name, isSignedBy }: Certificate): boolean {
  return Buffer.compare(issuer.subject, name) === 0 && isSignedBy(issuer);
}

/** @param below authorities that stand below it already */
function mayIssue({ isAuthority, mayCertify, pathLength, purposes }: Certificate, below: bigint): boolean {
  const isForTime = purposes === null || purposes.includes(TIME_STAMPING) || purposes.includes(ANY_PURPOSE);
  return isAuthority && mayCertify && isForTime && (pathLength === null || pathLength >= below);
}

function dateProblem(certificate: Certificate, time: number): PathProblem | null {
  const { notBefore, notAfter } = certificate;
  const when = new Date(time).toISOString();
  const name = quoted(certificate);
  if (time < notBefore)
    return { why: "not-yet-valid", message: `the certificate ${name} was not valid yet at ${when}` };
  if (time > notAfter) return { why: "expired", message: `the certificate ${name} was expired at ${when}` };
  return null;
}

function untrusted(message: string): PathProblem {
  return { why: "untrusted", message };
}

function quoted(certificate: Certificate): string {
  return `"${commonName(certificate)}"`;
}
