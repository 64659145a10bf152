import { lstat } from "node:fs/promises";
import { writeFileAtomic } from "../bytes/atomic-file.ts";
import { fsPath, realPath } from "../bytes/path-text.ts";
import { readSmallFile } from "../bytes/small-file.ts";
import { WeightmarkError } from "../errors.ts";
import { MAX_BUNDLE_BYTES, readBundle, writeBundle } from "./bundle.ts";
import { signPayload } from "./ec-key.ts";
import { type HashOptions, hashFiles } from "./hash-files.ts";
import { ALWAYS_IGNORED, ignorePaths } from "./ignore.ts";
import { type Listing, listFiles, pathBelow } from "./listing.ts";
import { type HashName, type Manifest, type Resource, rootDigest } from "./manifest.ts";
import { openSigner } from "./open-signer.ts";
import { isCanonicalPath } from "./resource-name.ts";
import { planResources, shownPath, sortResources } from "./resources.ts";
import { signaturePlace } from "./signature-place.ts";
import type { Signer } from "./signer.ts";
import { writeStatement } from "./statement.ts";

/** With the shortest names, more do not fit into a bundle of `MAX_BUNDLE_BYTES`. */
const MAX_RESOURCES = 400_000;

export interface SignOptions extends HashOptions {
  /** Where the signature goes. @default `model.sig` in a directory, the name with `.sig` beside a file */
  readonly signature?: string | undefined;
  /** Replace the signature that is there. @default false */
  readonly replace?: boolean | undefined;
  /** @default "sha256" */
  readonly hash?: HashName | undefined;
  /** Hash files in pieces of this many bytes. @default whole files */
  readonly shardSize?: number | undefined;
  /** Paths below the directory to leave out, each with all below it. @default none but those of version control */
  readonly ignore?: readonly string[] | undefined;
  /** Take the file that a symbolic link leads to for the link. @default false: links are refused */
  readonly allowSymlinks?: boolean | undefined;
  /** Directories that links may lead into. @default none but the model's own and the blobs of its cache */
  readonly allowLinks?: readonly string[] | undefined;
}

export interface SignResult {
  readonly signature: string;
  readonly method: "key" | "certificate";
  readonly curve: string;
  /** What the signature calls the model. */
  readonly name: string;
  /** SHA-256 over the digests of all resources, hex. */
  readonly digest: string;
  readonly hash: HashName;
  readonly shardSize: number | null;
  readonly files: number;
  readonly resources: number;
  readonly bytes: number;
  /** Paths that were there and left out. */
  readonly ignored: readonly string[];
  /** Files of no bytes, which a signature of pieces does not cover. */
  readonly uncovered: readonly string[];
}

/**
 * Signs every file of a directory, or one file, as OpenSSF Model Signing v1.0 says. The signature is written whole or not at all.
 *
 * @throws USAGE, NOTHING_TO_SIGN, SIGNED_LINK, FILE_NAME_UNSIGNABLE, SIGNATURE_LIMIT, OUTPUT_EXISTS, OUTPUT_IS_INPUT, the codes
 *   of keys and certificates, what reading and writing files throws
 */
export async function signModel(path: string, signer: Signer, options: SignOptions = {}): Promise<SignResult> {
  const { hash = "sha256", shardSize = null, allowSymlinks = false, allowLinks = [] } = options;
  if (shardSize !== null && !(Number.isSafeInteger(shardSize) && shardSize > 0)) {
    throw new WeightmarkError("USAGE", "the size of a shard is a whole number of bytes above 0");
  }
  const { key, curve, material } = await openSigner(signer);
  const signature = options.signature ?? (await signaturePlace(path));
  await requirePlace(signature, path, options.replace ?? false);
  const own = await pathBelow(signature, path);
  const ignored = new Set([...(own === null ? [] : [own]), ...ignorePaths(options.ignore ?? []), ...ALWAYS_IGNORED]);
  const listing = await listFiles(path, { ignored, followLinks: allowSymlinks, allowLinks });
  requireSignable(listing);
  requireFewResources(listing, shardSize);
  const planned = planResources(listing, listing.files, shardSize);
  if (planned.length === 0) throw new WeightmarkError("NOTHING_TO_SIGN", "there is nothing to sign", { file: path });
  const digests = await hashFiles(
    planned.map(({ task }) => task),
    hash,
    options,
  );
  const resources = sortResources(planned.map(({ resource }, i): Resource => ({ ...resource, digest: digests[i]! })));
  const serialization = { hash, shardSize, allowSymlinks, ignorePaths: listing.isFile ? [] : [...ignored].sort() };
  const manifest: Manifest = { name: listing.name, serialization, resources };
  const payload = writeStatement(manifest);
  const bundle = writeBundle(material, payload, signPayload(payload, key));
  await writeFileAtomic(signature, bundle, { overwrite: options.replace });
  return {
    signature,
    method: material.kind,
    curve,
    name: listing.name,
    digest: rootDigest(resources),
    hash,
    shardSize,
    files: listing.files.length,
    resources: resources.length,
    bytes: listing.files.reduce((sum, { size }) => sum + size, 0),
    ignored: listing.ignored.filter((one) => one !== own),
    uncovered: shardSize === null ? [] : listing.files.filter(({ size }) => size === 0).map((file) => file.path),
  };
}

/** Before anything is hashed. What is replaced is a signature, and never a file of the model. */
async function requirePlace(signature: string, path: string, replace: boolean): Promise<void> {
  const there = await lstat(fsPath(signature)).catch(() => null);
  if (there === null) return;
  const isModel = (await realPath(signature).catch(() => null)) === (await realPath(path).catch(() => null));
  if (isModel)
    throw new WeightmarkError("OUTPUT_IS_INPUT", "the signature would replace what it signs", { file: signature });
  if (!replace) throw new WeightmarkError("OUTPUT_EXISTS", "the signature exists", { file: signature });
  try {
    readBundle(await readSmallFile(signature, MAX_BUNDLE_BYTES), signature);
  } catch (cause) {
    throw new WeightmarkError("OUTPUT_IS_INPUT", "what would be replaced is no signature", { file: signature, cause });
  }
}

/** Before any is made or hashed. */
function requireFewResources({ files, root }: Listing, shardSize: number | null): void {
  const pieces = (size: number) => (shardSize === null ? 1 : Math.ceil(size / shardSize));
  if (files.reduce((sum, { size }) => sum + pieces(size), 0) <= MAX_RESOURCES) return;
  throw new WeightmarkError("SIGNATURE_LIMIT", `a signature holds at most ${MAX_RESOURCES} files or pieces of files`, {
    file: root,
  });
}

function requireSignable(listing: Listing): void {
  const { links, special, files } = listing;
  const [link] = links;
  if (link !== undefined) {
    throw new WeightmarkError("SIGNED_LINK", "a symbolic link cannot be signed", { file: shownPath(listing, link) });
  }
  const [other] = special;
  if (other !== undefined) {
    const file = shownPath(listing, other);
    throw new WeightmarkError("NOT_A_REGULAR_FILE", "neither a file nor a directory can be signed", { file });
  }
  const bad = files.find((file) => !isCanonicalPath(file.path));
  if (bad !== undefined) {
    const file = shownPath(listing, bad.path);
    throw new WeightmarkError("FILE_NAME_UNSIGNABLE", "its name is no UTF-8, or too long", { file });
  }
}
