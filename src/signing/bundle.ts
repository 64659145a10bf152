import { z } from "zod";
import { WeightmarkError } from "../errors.ts";
import { decodeBase64 } from "./base64.ts";
import { parseStrictJson } from "./strict-json.ts";

/** Of files that are read and of files that are written. */
export const MAX_BUNDLE_BYTES = 64 << 20;
/** No chain of a publisher comes near. */
const MAX_CERTIFICATES = 16;

const MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** As some wrote the same before. */
const MEDIA_TYPES = new Set([MEDIA_TYPE, "application/vnd.dev.sigstore.bundle+json;version=0.3"]);
export const PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** What a signature says of who made it. */
export type Material =
  | { readonly kind: "key"; readonly hint: string | null }
  /** DER, the signer's own first. */
  | { readonly kind: "certificate"; readonly certificates: readonly Uint8Array[] }
  /** What `@sigstore/bundle` reads of it. */
  | { readonly kind: "sigstore"; readonly bundle: unknown };

/** A signature file, read and not yet believed. */
export interface Bundle {
  readonly material: Material;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

const rawBytes = z.object({ rawBytes: z.string() });
/** Fields that are unknown are passed over, as readers of protobuf's JSON may; null stands for a field that is not there. */
const bundleSchema = z.object({
  mediaType: z.string(),
  verificationMaterial: z.object({
    publicKey: z.object({ hint: z.string().nullish(), rawBytes: z.string().nullish() }).nullish(),
    x509CertificateChain: z.object({ certificates: z.array(rawBytes).min(1).max(MAX_CERTIFICATES) }).nullish(),
    certificate: rawBytes.nullish(),
    tlogEntries: z.array(z.unknown()).nullish(),
  }),
  dsseEnvelope: z.object({
    payload: z.string(),
    payloadType: z.string(),
    signatures: z.array(z.object({ sig: z.string(), keyid: z.string().nullish() })).length(1),
  }),
  messageSignature: z.null().optional(),
});

/**
 * Reads a Sigstore bundle v0.3 that holds a DSSE envelope. Nothing of it is proven by that.
 *
 * @param file what messages call it
 * @throws SIGNATURE_MALFORMED, SIGNATURE_UNSUPPORTED, SIGNATURE_LIMIT
 */
export function readBundle(bytes: Uint8Array, file: string): Bundle {
  const malformed = (why: string) =>
    new WeightmarkError("SIGNATURE_MALFORMED", `this is no signature that can be read: ${why}`, { file });
  const unsupported = (what: string) => new WeightmarkError("SIGNATURE_UNSUPPORTED", what, { file });
  requireBundleSize(bytes.length, file);
  const json = parseStrictJson(bytes, malformed);
  const { success, data, error } = bundleSchema.safeParse(json);
  if (!success) {
    const issue = error.issues[0]!;
    throw malformed(`${issue.path.join(".") || "the whole"}: ${issue.message}`);
  }
  if (!MEDIA_TYPES.has(data.mediaType)) throw unsupported("it is a bundle of another version than v0.3");
  const { payload, payloadType, signatures } = data.dsseEnvelope;
  if (payloadType !== PAYLOAD_TYPE) throw unsupported(`what it signs is not ${PAYLOAD_TYPE}`);
  const decoded = (text: string, what: string): Uint8Array => {
    const found = decodeBase64(text);
    if (found === null || found.length === 0) throw malformed(`${what} is not base64`);
    return found;
  };
  return {
    material: materialOf(data.verificationMaterial, json, malformed, decoded),
    payload: decoded(payload, "its payload"),
    signature: decoded(signatures[0]!.sig, "its signature"),
  };
}

function materialOf(
  found: z.infer<typeof bundleSchema>["verificationMaterial"],
  bundle: unknown,
  malformed: (why: string) => Error,
  decoded: (text: string, what: string) => Uint8Array,
): Material {
  const { publicKey, x509CertificateChain: chain, certificate, tlogEntries } = found;
  const given = [publicKey, chain, certificate].filter((one) => one != null);
  if (given.length !== 1) throw malformed(`it names ${given.length} ways to verify it by, not one`);
  if (publicKey != null) {
    // Signatures of before 1.1 hold the key itself, which is no reason to trust it.
    if (publicKey.hint == null && publicKey.rawBytes == null) throw malformed("it does not say which key signed");
    return { kind: "key", hint: publicKey.hint ?? null };
  }
  if (chain != null) {
    const certificates = chain.certificates.map((one) => decoded(one.rawBytes, "a certificate"));
    return { kind: "certificate", certificates };
  }
  if ((tlogEntries ?? []).length === 0) throw malformed("no transparency log has it, which keyless signatures need");
  return { kind: "sigstore", bundle };
}

/** The file of a signature. Throws SIGNATURE_LIMIT. */
export function writeBundle(
  material: Exclude<Material, { kind: "sigstore" }>,
  payload: Uint8Array,
  signature: Uint8Array,
): Uint8Array {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const verificationMaterial =
    material.kind === "key"
      ? { publicKey: { hint: material.hint } }
      : { x509CertificateChain: { certificates: material.certificates.map((der) => ({ rawBytes: base64(der) })) } };
  const bundle = {
    mediaType: MEDIA_TYPE,
    verificationMaterial: { ...verificationMaterial, tlogEntries: [] },
    dsseEnvelope: {
      payload: base64(payload),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: base64(signature), keyid: "" }],
    },
  };
  const bytes = Buffer.from(`${JSON.stringify(bundle)}\n`);
  requireBundleSize(bytes.length, undefined);
  return bytes;
}

function requireBundleSize(bytes: number, file: string | undefined): void {
  if (bytes <= MAX_BUNDLE_BYTES) return;
  throw new WeightmarkError("SIGNATURE_LIMIT", `a signature has at most ${MAX_BUNDLE_BYTES} bytes`, { file });
}
