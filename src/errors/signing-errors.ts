import type { ErrorEntry } from "./error-entry.ts";

/** Signatures of models by OpenSSF Model Signing: what is malformed, and what evidence says no. */
export const SIGNING_ERRORS = {
  SIGNATURE_MALFORMED: {
    kind: "refused",
    meaning: "the signature file is damaged, cut off or no Sigstore bundle",
    advice: "Fetch the signature again from where the model is published, or have it made again.",
  },
  SIGNATURE_UNSUPPORTED: {
    kind: "refused",
    meaning: "the signature is of a version, kind or algorithm that weightmark does not verify",
    advice: "Verify it with the tool that made it, or have the model signed as OpenSSF Model Signing v1.0 says.",
  },
  SIGNATURE_METHOD: {
    kind: "refused",
    meaning: "the signature was made in another way than the one it should be verified by",
    advice: "Give what the signature was made with: a public key, root certificates, or a Sigstore trusted root.",
  },
  SIGNATURE_REQUIRED: {
    kind: "refused",
    meaning: "a signature is required, and there is none",
    advice: "Fetch the signature from where the file is published, name where it lies, or do not require one.",
  },
  SIGNATURE_LIMIT: {
    kind: "refused",
    meaning: "the signature is or would be larger than any that is read",
    advice: "Sign whole files or larger shards, or leave out files that need no signature.",
  },
  SIGNATURE_KEY_MISMATCH: {
    kind: "refused",
    meaning: "the signature names another key than the one given",
    advice: "Make sure that this is the public key of the one who signed; trust no key that came with the model alone.",
  },
  SIGNATURE_INVALID: {
    kind: "refused",
    meaning: "the signature is not one of this content by this key: one of them was changed or forged",
    advice: "Do not use what was signed: fetch it and its signature again, and ask its publisher.",
  },
  SIGNED_FILES_CHANGED: {
    kind: "refused",
    meaning: "the signature holds, and the files are not those that were signed",
    advice: "Fetch the files that are named again; if they stay different, do not use them and ask their publisher.",
  },
  SIGNED_LINK: {
    kind: "refused",
    meaning: "a symbolic link stands where only files can be signed",
    advice: "Put the file in the place of its link, leave the link out, or follow links to files (`allowSymlinks`).",
  },
  FILE_NAME_UNSIGNABLE: {
    kind: "refused",
    meaning: "a file has a name that no signature can hold",
    advice: "Rename the file, or leave it out of what is signed.",
  },
  NOTHING_TO_SIGN: {
    kind: "nothing",
    meaning: "there is no file to sign, or all of them are left out",
    advice: "Name a model that has files, and leave out fewer of them.",
  },
  SIGNING_KEY_MALFORMED: {
    kind: "refused",
    meaning: "the file holds no key in PEM of the kind that is needed",
    advice: "Sign with a private key and verify with its public key, each in PEM.",
  },
  SIGNING_KEY_UNSUPPORTED: {
    kind: "refused",
    meaning: "the key is none of ECDSA on P-256, P-384 or P-521",
    advice: "Use a key that OpenSSF Model Signing has: ECDSA on P-256, P-384 or P-521.",
  },
  SIGNING_CERTIFICATE_MISMATCH: {
    kind: "refused",
    meaning: "the signing certificate is not of the private key",
    advice: "Give the certificate that was issued for this key.",
  },
  CERTIFICATE_MALFORMED: {
    kind: "refused",
    meaning: "a certificate is damaged, or none is there",
    advice: "Give X.509 certificates in PEM; have a signature that holds a damaged one made again.",
  },
  CERTIFICATE_UNTRUSTED: {
    kind: "refused",
    meaning: "the signing certificate does not lead to a root that is trusted",
    advice: "Give the root certificate of the one who signed, if that is who you trust; else do not use the model.",
  },
  CERTIFICATE_EXPIRED: {
    kind: "refused",
    meaning: "a certificate of the signature has expired",
    advice: "Have the model signed again; if you know when it was signed, verify it as of that time (`at`).",
  },
  CERTIFICATE_NOT_YET_VALID: {
    kind: "refused",
    meaning: "a certificate of the signature is not valid yet",
    advice: "Make sure that the clock is right, or that the time to verify at (`at`) is.",
  },
  CERTIFICATE_NOT_FOR_SIGNING: {
    kind: "refused",
    meaning: "the certificate was not issued to sign with",
    advice: "Have the model signed with a certificate for digital signatures of code.",
  },
  TRUSTED_ROOT_MALFORMED: {
    kind: "refused",
    meaning: "the file is no Sigstore trusted root",
    advice: "Give the trusted_root.json of the Sigstore instance that was signed with.",
  },
  SIGSTORE_UNVERIFIED: {
    kind: "refused",
    meaning: "the Sigstore bundle does not hold by the trusted root that was given",
    advice: "Give the trusted root of the instance that was signed with; if it is that, do not use the model.",
  },
  SIGNER_UNEXPECTED: {
    kind: "refused",
    meaning: "somebody else than the expected identity signed",
    advice: "Find out who should have signed; do not take the identity from the signature itself.",
  },
} as const satisfies Record<string, ErrorEntry>;
