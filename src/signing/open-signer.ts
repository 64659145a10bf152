import type { KeyObject } from "node:crypto";
import { WeightmarkError } from "../errors.ts";
import type { Material } from "./bundle.ts";
import { keyHint, readPrivateKey, requireCurve } from "./ec-key.ts";
import type { Signer } from "./signer.ts";

/** A signer whose key is open. */
export interface OpenSigner {
  readonly key: KeyObject;
  readonly curve: string;
  readonly material: Exclude<Material, { kind: "sigstore" }>;
}

/**
 * @throws SIGNING_KEY_MALFORMED, SIGNING_KEY_UNSUPPORTED, KEY_PASSPHRASE_MISSING, KEY_PASSPHRASE_WRONG, CERTIFICATE_MALFORMED,
 *   SIGNING_CERTIFICATE_MISMATCH, USAGE
 */
export async function openSigner({ privateKey, passphrase, certificate, chain = [] }: Signer): Promise<OpenSigner> {
  if (certificate === undefined && chain.length > 0) {
    throw new WeightmarkError("USAGE", "certificates that lead to a root need the signing certificate before them");
  }
  const key = readPrivateKey(privateKey, passphrase ?? null);
  const curve = requireCurve(key, privateKey.file);
  if (certificate === undefined) return { key, curve, material: { kind: "key", hint: keyHint(key) } };
  const { readCertificates } = await import("./certificate.ts");
  const [own, ...more] = readCertificates(certificate);
  if (!own!.x509.checkPrivateKey(key)) {
    throw new WeightmarkError("SIGNING_CERTIFICATE_MISMATCH", "the certificate is of another key", {
      file: certificate.file,
    });
  }
  const all = [own!, ...more, ...chain.flatMap(readCertificates)];
  return { key, curve, material: { kind: "certificate", certificates: all.map(({ der }) => der) } };
}
