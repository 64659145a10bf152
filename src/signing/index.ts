/** Signatures of models by OpenSSF Model Signing v1.0: who signed, and whether the files are those that were signed. */
export type { ChangedFile, Difference } from "./difference.ts";
export type { HashName, Serialization } from "./manifest.ts";
export type { PemText } from "./pem-text.ts";
export { type SignOptions, type SignResult, signModel } from "./sign-model.ts";
export { type ContentCheck, type SignatureRequirement, type SignedContent, signedContent } from "./signed-content.ts";
export type { Signer } from "./signer.ts";
export type { SigstoreExpectation, SigstoreIdentity } from "./sigstore.ts";
export type { CertificateTrust, KeyTrust, SignedBy, SigningMethod, SigstoreTrust, Trust } from "./trust.ts";
export {
  type SignatureRefusal,
  type VerifyModelOptions,
  type VerifyModelResult,
  verifyModel,
} from "./verify-model.ts";
