import type { KeyObject } from "node:crypto";
import { WeightmarkError } from "../errors.ts";
import type { Material } from "./bundle.ts";
import { keyHint, type PemText, readPrivateKey, requireCurve } from "./ec-key.ts";

/** What to sign with. */
export interface Signer {
  /** In PEM: ECDSA on P-256, P-384 or P-521. */
  readonly privateKey: PemText;
  /** Of an encrypted one. @default none */
  readonly passphrase?: string | null | undefined;
  /** Sign by certificate: that of the key, in PEM. @default by the key alone */
  readonly certificate?: PemText | undefined;
  /** Certificates between that one and a root, in PEM. @default none */
  readonly chain?: readonly PemText[] | undefined;
}

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
