import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { LayeredKey } from "../watermark/key/layered-key.ts";

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 and SubjectPublicKeyInfo (RFC 8410, 7 and 4). */
const PRIVATE = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC = Buffer.from("302a300506032b6570032100", "hex");

/**
 * The key that signs what is committed follows from the watermark key: it is kept, sealed and lost together with it, and only
 * who holds the whole key can sign.
 */
function signingKey(key: LayeredKey): KeyObject {
  const der = Buffer.concat([PRIVATE, key.subkey("commitment/ed25519")]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

/** 32 bytes, hex. */
export function publicKeyOf(key: LayeredKey): string {
  const der = createPublicKey(signingKey(key)).export({ format: "der", type: "spki" });
  return der.subarray(PUBLIC.length).toString("hex");
}

/** 64 bytes, hex. */
export function signatureOf(key: LayeredKey, data: Uint8Array): string {
  return sign(null, data, signingKey(key)).toString("hex");
}

/** @param publicKey 32 bytes, hex. @param signature 64 bytes, hex */
export function isSigned(publicKey: string, data: Uint8Array, signature: string): boolean {
  const der = Buffer.concat([PUBLIC, Buffer.from(publicKey, "hex")]);
  try {
    return verify(
      null,
      data,
      createPublicKey({ key: der, format: "der", type: "spki" }),
      Buffer.from(signature, "hex"),
    );
  } catch {
    return false;
  }
}
