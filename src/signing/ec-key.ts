import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { WeightmarkError } from "../errors.ts";
import { PAYLOAD_TYPE } from "./bundle.ts";
import type { PemText } from "./pem-text.ts";

/** Curves of OpenSSF Model Signing as OpenSSL names them, each with the hash that its signatures are made over. */
const CURVES: ReadonlyMap<string, string> = new Map([
  ["prime256v1", "sha256"],
  ["secp384r1", "sha384"],
  ["secp521r1", "sha512"],
]);
const SHOWN: ReadonlyMap<string, string> = new Map([
  ["prime256v1", "P-256"],
  ["secp384r1", "P-384"],
  ["secp521r1", "P-521"],
]);

/**
 * The private key in PEM.
 *
 * @param passphrase of an encrypted one, or null
 * @throws SIGNING_KEY_MALFORMED, SIGNING_KEY_UNSUPPORTED, KEY_PASSPHRASE_MISSING, KEY_PASSPHRASE_WRONG
 */
export function readPrivateKey({ pem, file }: PemText, passphrase: string | null): KeyObject {
  if (!/-----BEGIN (?:EC |ENCRYPTED |RSA )?PRIVATE KEY-----/.test(pem)) {
    throw new WeightmarkError("SIGNING_KEY_MALFORMED", "no private key in PEM", { file });
  }
  const isSealed = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem);
  if (isSealed && passphrase === null) {
    throw new WeightmarkError("KEY_PASSPHRASE_MISSING", "the private key is encrypted", { file });
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: "pem", ...(isSealed ? { passphrase: passphrase! } : {}) });
  } catch {
    // The cause could quote the key.
    if (isSealed)
      throw new WeightmarkError("KEY_PASSPHRASE_WRONG", "the passphrase does not open the private key", { file });
    throw new WeightmarkError("SIGNING_KEY_MALFORMED", "the private key is damaged", { file });
  }
  requireCurve(key, file);
  return key;
}

/**
 * The public key in PEM.
 *
 * @throws SIGNING_KEY_MALFORMED, SIGNING_KEY_UNSUPPORTED
 */
export function readPublicKey({ pem, file }: PemText): KeyObject {
  const malformed = (why: string) => new WeightmarkError("SIGNING_KEY_MALFORMED", why, { file });
  // Node would make a public key of it, and the private one would lie about where verifiers are.
  if (/PRIVATE KEY-----/.test(pem)) throw malformed("a private key stands where the public one is needed");
  if (!/-----BEGIN PUBLIC KEY-----/.test(pem)) throw malformed("no public key in PEM");
  let key: KeyObject;
  try {
    key = createPublicKey({ key: pem, format: "pem" });
  } catch {
    throw malformed("the public key is damaged");
  }
  requireCurve(key, file);
  return key;
}

/** The name of the key's curve. Throws SIGNING_KEY_UNSUPPORTED, which says what the key is instead. */
export function requireCurve(key: KeyObject, file: string | undefined): string {
  const curve = key.asymmetricKeyDetails?.namedCurve ?? "";
  const shown = key.asymmetricKeyType === "ec" ? SHOWN.get(curve) : undefined;
  if (shown !== undefined) return shown;
  const what = [key.asymmetricKeyType ?? "unknown", curve].filter((word) => word !== "").join(" ");
  throw new WeightmarkError("SIGNING_KEY_UNSUPPORTED", `a key of ${what} cannot sign models`, { file });
}

/** SHA-256 over the public key's PEM, hex: what a signature calls its key by. */
export function keyHint(key: KeyObject): string {
  // Through JWK, for a point that was read compressed would be written compressed.
  const whole = createPublicKey({ key: createPublicKey(asPem(key)).export({ format: "jwk" }), format: "jwk" });
  return createHash("sha256").update(asPem(whole)).digest("hex");
}

function asPem(key: KeyObject): string {
  const open = key.type === "private" ? createPublicKey(key) : key;
  return open.export({ type: "spki", format: "pem" }) as string;
}

/** What of a payload is signed: the pre-authentication encoding of DSSE v1. */
function preAuthEncoding(payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

export function signPayload(payload: Uint8Array, key: KeyObject): Uint8Array {
  return sign(hashOf(key), preAuthEncoding(payload), { key, dsaEncoding: "der" });
}

/** Whether the signature, DER, is one of the payload by the key. */
export function isSignedBy(payload: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  return verify(hashOf(key), preAuthEncoding(payload), { key, dsaEncoding: "der" }, signature);
}

function hashOf(key: KeyObject): string {
  return CURVES.get(key.asymmetricKeyDetails?.namedCurve ?? "")!;
}
