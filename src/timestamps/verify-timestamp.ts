import { type ErrorCode, WeightmarkError } from "../errors.ts";
import { AlgorithmError, digested } from "./algorithms.ts";
import { type Certificate, commonName } from "./certificate.ts";
import { type PathProblem, pathProblem, signerProblem } from "./certificate-path.ts";
import { DerError } from "./der.ts";
import { readToken, type TimestampToken } from "./timestamp-token.ts";

/** What a time stamp proves. */
export interface Timestamp {
  /** ISO 8601, UTC: when the authority says that it saw the data. */
  readonly time: string;
  /** The latest that it may have been: time and accuracy together; the time itself where the authority says nothing. */
  readonly latest: string;
  /** Common name of the certificate that signed. */
  readonly authority: string;
  /** Object identifier of the authority's policy. */
  readonly policy: string;
  /** Serial number, hex. */
  readonly serial: string;
  /** Whether the signature leads to one of the roots that were given: false where none was. */
  readonly trusted: boolean;
}

export interface VerifyTimestampOptions {
  /** SHA-256, SHA-384 or SHA-512 of the data by the algorithm of the token. */
  readonly data: Uint8Array;
  /** Certificates that the caller trusts; null checks all but whom the authority's certificate leads to. */
  readonly roots: readonly Certificate[] | null;
  /** What was asked for, of an answer that has just come. @default not checked */
  readonly asked?: { readonly nonce: bigint; readonly policy: string | null };
  /** What errors call the place that the token is from. */
  readonly file: string;
}

const PATH_CODES: Readonly<Record<PathProblem["why"], ErrorCode>> = {
  untrusted: "TIMESTAMP_UNTRUSTED",
  expired: "TIMESTAMP_CERTIFICATE_EXPIRED",
  "not-yet-valid": "TIMESTAMP_CERTIFICATE_NOT_YET_VALID",
};

/**
 * What a time stamp token says of data, if it is one and says it of these.
 *
 * Structure (RFC 3161, RFC 5652), then what was stamped, then who signed: the digest of the time stamp in the signed
 * attributes, the signature over these, the certificate named in them, and its path to a root at the stamped time.
 *
 * @throws TIMESTAMP_MALFORMED, TIMESTAMP_ALGORITHM, TIMESTAMP_OF_OTHER_DATA, TIMESTAMP_OF_OTHER_REQUEST, TIMESTAMP_FORGED,
 *   TIMESTAMP_UNTRUSTED, TIMESTAMP_CERTIFICATE_EXPIRED, TIMESTAMP_CERTIFICATE_NOT_YET_VALID
 */
export function verifyTimestamp(bytes: Uint8Array, options: VerifyTimestampOptions): Timestamp {
  const { data, roots, asked, file } = options;
  return orRefused(file, () => {
    const token = readToken(bytes);
    const { info } = token;
    if (Buffer.compare(digested(info.digest, data), info.imprint) !== 0) {
      throw refused("TIMESTAMP_OF_OTHER_DATA", "the time stamp is of other data", file);
    }
    if (asked !== undefined) requireAsked(info, asked, file);
    const certificate = signerOf(token, file);
    const problem = signerProblem(certificate) ?? pathOf(token, certificate, roots);
    if (problem !== null) throw refused(PATH_CODES[problem.why], problem.message, file);
    return {
      time: new Date(info.time).toISOString(),
      latest: new Date(info.time + (info.accuracy ?? 0)).toISOString(),
      authority: commonName(certificate),
      policy: info.policy,
      serial: info.serial.toString(16),
      trusted: roots !== null,
    };
  });
}

/** @throws what reading finds, as refusals that name the file */
export function orRefused<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DerError) throw refused("TIMESTAMP_MALFORMED", error.message, file);
    if (error instanceof AlgorithmError) throw refused("TIMESTAMP_ALGORITHM", error.message, file);
    throw error;
  }
}

function requireAsked(
  { nonce, policy }: TimestampToken["info"],
  asked: NonNullable<VerifyTimestampOptions["asked"]>,
  file: string,
): void {
  if (nonce !== asked.nonce) {
    throw refused("TIMESTAMP_OF_OTHER_REQUEST", "the time stamp answers another request: its nonce is not ours", file);
  }
  if (asked.policy !== null && policy !== asked.policy) {
    const message = `the time stamp was made under policy ${policy}, not ${asked.policy}`;
    throw refused("TIMESTAMP_OF_OTHER_REQUEST", message, file);
  }
}

/** The certificate whose key signed, which the signed attributes name. */
function signerOf({ content, certificates, signer }: TimestampToken, file: string): Certificate {
  const forged = (message: string) => refused("TIMESTAMP_FORGED", message, file);
  const certificate = certificates.find(signer.isOf);
  if (certificate === undefined) {
    throw refused("TIMESTAMP_UNTRUSTED", "the time stamp comes without the certificate of its signer", file);
  }
  const { digest, hash } = signer.certificateHash;
  if (Buffer.compare(digested(digest, certificate.whole), hash) !== 0) {
    throw forged("the time stamp was signed by another certificate");
  }
  if (Buffer.compare(digested(signer.digest, content), signer.messageDigest) !== 0) {
    throw forged("the time stamp was changed after it was signed");
  }
  if (!certificate.verifies(signer.scheme, signer.signed, signer.signature)) {
    throw forged("the signature of the time stamp is not its signer's");
  }
  return certificate;
}

/** Dates count whether roots were given or not. */
function pathOf(
  { info, certificates }: TimestampToken,
  certificate: Certificate,
  roots: readonly Certificate[] | null,
): PathProblem | null {
  return pathProblem(certificate, certificates, roots ?? [certificate], info.time);
}

function refused(code: ErrorCode, message: string, file: string): WeightmarkError {
  return new WeightmarkError(code, message, { file });
}
