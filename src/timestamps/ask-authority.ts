import { createHash, randomBytes } from "node:crypto";
import { parseAddress, shownAddress } from "../bytes/http/address.ts";
import { statusError } from "../bytes/http/failure.ts";
import type { HttpClient, HttpReply } from "../bytes/http/http-client.ts";
import { WeightmarkError } from "../errors.ts";
import { SHA256 } from "./algorithms.ts";
import type { Certificate } from "./certificate.ts";
import { DerError, readDer, sequenceOf, TAG } from "./der.ts";
import { bitsOf, integerOf } from "./der-values.ts";
import { derInteger, derOf, derOid, derSequence } from "./der-writer.ts";
import { MAX_TOKEN_BYTES } from "./timestamp-token.ts";
import { orRefused, type Timestamp, verifyTimestamp } from "./verify-timestamp.ts";

export interface AskOptions {
  readonly client: HttpClient;
  /** Object identifier of the policy to be stamped under, or null for the authority's own choice. */
  readonly policy: string | null;
  /** See `VerifyTimestampOptions`. */
  readonly roots: readonly Certificate[] | null;
  readonly signal?: AbortSignal | undefined;
}

const NONCE_BYTES = 16;

/** PKIFailureInfo (RFC 3161, 2.4.2), by bit. */
const FAILURES: ReadonlyMap<number, string> = new Map([
  [0, "it does not know the algorithm"],
  [2, "it does not allow this"],
  [5, "it could not read the request"],
  [14, "its clock is not there"],
  [15, "it does not know the policy"],
  [16, "it does not know an extension"],
  [17, "it cannot give what was asked for beside"],
  [25, "it failed"],
]);

/**
 * Has data stamped by an authority (RFC 3161 over HTTP): only their SHA-256 is sent. The token has been verified.
 *
 * @returns DER of the token, and what it says
 * @throws TIMESTAMP_REFUSED, USAGE for a policy that is none, what `verifyTimestamp` and `HttpClient.exchange` throw
 */
export async function askAuthority(
  address: string,
  data: Uint8Array,
  { client, policy, roots, signal }: AskOptions,
): Promise<{ readonly token: Uint8Array; readonly timestamp: Timestamp }> {
  const url = parseAddress(address);
  const file = shownAddress(url);
  const nonce = BigInt(`0x${randomBytes(NONCE_BYTES).toString("hex")}`);
  const body = timestampRequest(data, nonce, policy);
  const headers = { "content-type": "application/timestamp-query" };
  const reply = await client.exchange(() => ({ url, method: "POST", headers, body }), bodyOf(file), file, signal);
  const token = orRefused(file, () => grantedToken(reply, file));
  return { token, timestamp: verifyTimestamp(token, { data, roots, asked: { nonce, policy }, file }) };
}

/** TimeStampReq: version 1, imprint, policy, nonce, and the wish for certificates. @throws USAGE */
function timestampRequest(data: Uint8Array, nonce: bigint, policy: string | null): Uint8Array {
  const oid = policy === null ? Uint8Array.of() : derOid(policy);
  if (oid === null) throw new WeightmarkError("USAGE", "the policy of the time stamp is no object identifier");
  const imprint = createHash("sha256").update(data).digest();
  const algorithm = derSequence(derOid(SHA256)!, derOf(TAG.null));
  const wanted = derOf(TAG.boolean, Uint8Array.of(0xff));
  return derSequence(
    derInteger(1n),
    derSequence(algorithm, derOf(TAG.octetString, imprint)),
    oid,
    derInteger(nonce),
    wanted,
  );
}

function bodyOf(file: string): (reply: HttpReply) => Promise<Uint8Array> {
  return async (reply) => {
    if (reply.status !== 200) throw statusError(reply.status, file);
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of reply.chunks(MAX_TOKEN_BYTES)) {
      bytes += piece.length;
      if (bytes > MAX_TOKEN_BYTES) {
        throw new WeightmarkError("HTTP_BODY_WRONG", `the reply is longer than ${MAX_TOKEN_BYTES} bytes`, { file });
      }
      pieces.push(piece);
    }
    return new Uint8Array(Buffer.concat(pieces));
  };
}

/** The token of a TimeStampResp. */
function grantedToken(reply: Uint8Array, file: string): Uint8Array {
  const fields = sequenceOf(readDer(reply));
  const info = sequenceOf(fields.next());
  const status = integerOf(info.next());
  info.optional(TAG.sequence);
  const failure = info.optional(TAG.bitString);
  info.end();
  // Granted, or granted with changes, which the nonce and the policy are then held against.
  if (status !== 0n && status !== 1n) {
    const isSet = failure === null ? () => false : bitsOf(failure);
    const why = [...FAILURES].find(([bit]) => isSet(bit))?.[1] ?? `status ${status}`;
    throw new WeightmarkError("TIMESTAMP_REFUSED", `the authority gives no time stamp: ${why}`, { file });
  }
  const token = fields.next();
  fields.end();
  if (token.tag !== TAG.sequence) throw new DerError("the reply holds no token");
  return token.whole;
}
