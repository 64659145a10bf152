import { readSmallFile } from "../bytes/small-file.ts";
import { type ErrorCode, WeightmarkError } from "../errors.ts";
import { MAX_BUNDLE_BYTES, readBundle } from "./bundle.ts";
import { type Difference, diffModel } from "./difference.ts";
import type { HashOptions } from "./hash-files.ts";
import { ALWAYS_IGNORED, ignorePaths } from "./ignore.ts";
import { listFiles, pathBelow } from "./listing.ts";
import { type Manifest, type Resource, rootDigest, type Serialization } from "./manifest.ts";
import { signaturePlace } from "./signature-place.ts";
import { readStatement } from "./statement.ts";
import { type SignedBy, type Trust, verifySigner } from "./trust.ts";

export interface VerifyModelOptions extends HashOptions {
  /** @default `model.sig` in a directory, the name with `.sig` beside a file */
  readonly signature?: string | undefined;
  /** More paths below the directory that may be there unsigned. @default those that the signature leaves out */
  readonly ignore?: readonly string[] | undefined;
  /** Let files be there that were not signed. @default false */
  readonly ignoreUnsigned?: boolean | undefined;
  /** Take the file that a symbolic link leads to for the link. @default as the signature says */
  readonly allowSymlinks?: boolean | undefined;
  /** Directories that links may lead into. @default none but the model's own and the blobs of its cache */
  readonly allowLinks?: readonly string[] | undefined;
}

/** Codes with which evidence says no; all others say that there is no evidence to speak of. */
const NO = [
  "SIGNATURE_KEY_MISMATCH",
  "SIGNATURE_INVALID",
  "SIGNED_FILES_CHANGED",
  "CERTIFICATE_UNTRUSTED",
  "CERTIFICATE_EXPIRED",
  "CERTIFICATE_NOT_YET_VALID",
  "CERTIFICATE_NOT_FOR_SIGNING",
  "SIGSTORE_UNVERIFIED",
  "SIGNER_UNEXPECTED",
] as const satisfies readonly ErrorCode[];
/** Why a signature does not hold. */
export type SignatureRefusal = (typeof NO)[number];

/** What came of verifying a signature. */
export interface VerifyModelResult {
  readonly holds: boolean;
  readonly signature: string;
  /** Why not, or null. */
  readonly code: SignatureRefusal | null;
  readonly reason: string | null;
  /** Null where it is not proven who signed; nothing below is known then. */
  readonly signedBy: SignedBy | null;
  readonly signed: {
    /** What the signer called the model. Hostile. */
    readonly name: string;
    /** SHA-256 over the digests of all resources, hex. */
    readonly digest: string;
    readonly resources: number;
    readonly serialization: Serialization;
  } | null;
  readonly files: Difference | null;
}

/**
 * Verifies who signed a model and that its files are those that were signed. Names that a signature holds are compared with what
 * is there, and never opened.
 *
 * @throws SIGNATURE_MALFORMED, SIGNATURE_UNSUPPORTED, SIGNATURE_METHOD, SIGNATURE_LIMIT, SIGNATURE_REQUIRED, the codes of keys,
 *   certificates and trusted roots that are damaged, what reading files throws. That a signature does not hold is a result
 */
export async function verifyModel(
  path: string,
  trust: Trust,
  options: VerifyModelOptions = {},
): Promise<VerifyModelResult> {
  const signature = options.signature ?? (await signaturePlace(path));
  const given = ignorePaths(options.ignore ?? []);
  let proven: ProvenSignature;
  try {
    proven = await proveSignature(signature, trust);
  } catch (error) {
    if (!saysNo(error)) throw error;
    const { code, message } = error;
    return { holds: false, signature, code, reason: message, signedBy: null, signed: null, files: null };
  }
  const { manifest, signedBy } = proven;
  const { serialization, name, resources } = manifest;
  const own = await pathBelow(signature, path);
  const ignored = new Set([...(own === null ? [] : [own]), ...given, ...serialization.ignorePaths, ...ALWAYS_IGNORED]);
  const kept = withDirectories(resources);
  const followLinks = options.allowSymlinks ?? serialization.allowSymlinks;
  const listing = await listFiles(path, { ignored, kept, followLinks, allowLinks: options.allowLinks ?? [] });
  const difference = await diffModel(listing, manifest, signature, options);
  // That a signature does not sign itself is news to nobody.
  const files = { ...difference, ignored: difference.ignored.filter((one) => one !== own) };
  const holds =
    files.changed.length + files.missing.length === 0 &&
    (files.unsigned.length === 0 || options.ignoreUnsigned === true);
  return {
    holds,
    signature,
    code: holds ? null : "SIGNED_FILES_CHANGED",
    reason: holds ? null : whyNot(files),
    signedBy,
    signed: { name, digest: rootDigest(resources), resources: resources.length, serialization },
    files,
  };
}

/** What was signed may be whole, and more beside it. */
function whyNot({ changed, missing }: Difference): string {
  return changed.length + missing.length > 0
    ? "the files are not those that were signed"
    : "files that were never signed are there beside those that were";
}

/** The paths that were signed and all directories on the way to them: what was signed cannot be left out by anyone. */
function withDirectories(resources: readonly Resource[]): Set<string> {
  const kept = new Set<string>();
  for (const { path } of resources) {
    for (let at = path.length; at > 0 && !kept.has(path.slice(0, at)); at = path.lastIndexOf("/", at - 1)) {
      kept.add(path.slice(0, at));
    }
  }
  return kept;
}

/** A signature whose signer is proven, and what was signed. */
export interface ProvenSignature {
  readonly signedBy: SignedBy;
  readonly manifest: Manifest;
}

/** Throws what `verifyModel` throws or says that a signature does not hold by. */
export async function proveSignature(signature: string, trust: Trust): Promise<ProvenSignature> {
  const bytes = await readSmallFile(signature, MAX_BUNDLE_BYTES).catch((cause) => {
    if (!(cause instanceof WeightmarkError)) throw cause;
    if (cause.code === "BYTE_BUDGET_EXCEEDED") {
      throw new WeightmarkError("SIGNATURE_LIMIT", cause.message, { file: signature, cause });
    }
    if (cause.code !== "FILE_NOT_FOUND") throw cause;
    throw new WeightmarkError("SIGNATURE_REQUIRED", "there is no signature here", { file: signature, cause });
  });
  const bundle = readBundle(bytes, signature);
  const signedBy = await verifySigner(bundle, trust, signature);
  return { signedBy, manifest: readStatement(bundle.payload, signature) };
}

/** Whether an error is one with which evidence says no. */
export function saysNo(error: unknown): error is WeightmarkError & { readonly code: SignatureRefusal } {
  return error instanceof WeightmarkError && (NO as readonly ErrorCode[]).includes(error.code);
}
