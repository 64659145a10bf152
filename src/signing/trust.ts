import { WeightmarkError } from "../errors.ts";
import type { Bundle, Material } from "./bundle.ts";
import { isSignedBy, keyHint, readPublicKey, requireCurve } from "./ec-key.ts";
import type { PemText } from "./pem-text.ts";
import type { SigstoreExpectation } from "./sigstore.ts";

/** A public key in PEM: ECDSA on P-256, P-384 or P-521. */
export interface KeyTrust {
  readonly publicKey: PemText;
}

/** Root certificates in PEM, those in between if need be, and the time to verify at. */
export interface CertificateTrust {
  readonly roots: PemText;
  /** @default now */
  readonly at?: Date | undefined;
}

/** A Sigstore instance and who must have signed. */
export interface SigstoreTrust {
  readonly sigstore: SigstoreExpectation;
}

/** Whom to believe. Never what came with the signature alone. */
export type Trust = KeyTrust | CertificateTrust | SigstoreTrust;

/** Who signed, as far as it is proven. Names are hostile. */
export type SignedBy =
  | { readonly method: "key"; readonly key: string }
  | {
      readonly method: "certificate";
      readonly subject: string;
      readonly issuer: string;
      /** SHA-256 of the certificate, hex. */
      readonly fingerprint: string;
      readonly notBefore: string;
      readonly notAfter: string;
    }
  | { readonly method: "sigstore"; readonly identity: string; readonly issuer: string };

export type SigningMethod = SignedBy["method"];

/**
 * Proves who signed the payload of a bundle.
 *
 * @param file the signature, as messages call it
 * @throws SIGNATURE_METHOD, SIGNATURE_KEY_MISMATCH, SIGNATURE_INVALID, the codes of keys, certificates and Sigstore
 */
export async function verifySigner(bundle: Bundle, trust: Trust, file: string): Promise<SignedBy> {
  const { material } = bundle;
  if ("publicKey" in trust) {
    if (material.kind === "key") return verifyKey(bundle, material, trust, file);
  } else if ("roots" in trust) {
    if (material.kind === "certificate") return verifyCertificate(bundle, material, trust, file);
  } else if (material.kind === "sigstore") {
    const { verifySigstore } = await import("./sigstore.ts");
    return { method: "sigstore", ...verifySigstore(material.bundle, bundle, trust.sigstore, file) };
  }
  const made = { key: "with a key", certificate: "with a certificate", sigstore: "with Sigstore" }[material.kind];
  throw new WeightmarkError("SIGNATURE_METHOD", `it was signed ${made}, and is to be verified in another way`, {
    file,
  });
}

function verifyKey(
  { payload, signature }: Bundle,
  { hint }: Extract<Material, { kind: "key" }>,
  { publicKey }: KeyTrust,
  file: string,
): SignedBy {
  const key = readPublicKey(publicKey);
  const own = keyHint(key);
  if (hint !== null && hint !== own) {
    throw new WeightmarkError("SIGNATURE_KEY_MISMATCH", "it names another key than the one that was given", { file });
  }
  if (!isSignedBy(payload, signature, key)) throw invalid(file);
  return { method: "key", key: own };
}

async function verifyCertificate(
  { payload, signature }: Bundle,
  { certificates }: Extract<Material, { kind: "certificate" }>,
  { roots, at = new Date() }: CertificateTrust,
  file: string,
): Promise<SignedBy> {
  const { readCertificate, readCertificates } = await import("./certificate.ts");
  const { nameOf, verifyChain } = await import("./chain.ts");
  const own = certificates.map((der) => readCertificate(der, file));
  const leaf = own[0]!;
  requireCurve(leaf.x509.publicKey, file);
  const path = verifyChain(own, readCertificates(roots), at, file);
  if (!isSignedBy(payload, signature, leaf.x509.publicKey)) throw invalid(file);
  return {
    method: "certificate",
    subject: nameOf(leaf),
    issuer: nameOf(path[1] ?? leaf),
    fingerprint: leaf.x509.fingerprint256.replaceAll(":", "").toLowerCase(),
    notBefore: leaf.notBefore.toISOString(),
    notAfter: leaf.notAfter.toISOString(),
  };
}

function invalid(file: string): WeightmarkError {
  return new WeightmarkError("SIGNATURE_INVALID", "the signature does not hold: it or what was signed was changed", {
    file,
  });
}
