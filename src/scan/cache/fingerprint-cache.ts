import { stat, utimes } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../bytes/atomic-file.ts";
import { makeDirectory } from "../../bytes/make-directory.ts";
import { isArrayName } from "../../checkpoint/array-names.ts";
import { HUB_PREFIX } from "../../checkpoint/hub/parse-location.ts";
import { isShardIndex } from "../../checkpoint/index-name.ts";
import { ERRORS, type ErrorCode, WeightmarkError } from "../../errors.ts";
import { DEEP_VERSION } from "../../fingerprint/deep-part.ts";
import { MAX_FINGERPRINT_BYTES, parseFingerprint, serializeFingerprint } from "../../fingerprint/file.ts";
import { FINGERPRINT_VERSION, type Fingerprint, type ReadingDepth } from "../../fingerprint/fingerprint.ts";
import { isWeightName } from "../../formats/safetensors/file-name.ts";
import { digestOf } from "../../registry/digest.ts";
import { readStored } from "../../registry/stored-file.ts";
import type { ScanFailure } from "../item.ts";
import type { ScanTarget } from "../target.ts";
import { readEntry, writeEntry } from "./entry.ts";

/** What is known of a target from a scan before this one. */
export type CachedAnswer = { readonly fingerprint: Fingerprint } | { readonly failure: ScanFailure };

/** Fingerprints and refusals by what they were made from. Never fails: a cache that cannot be used is none. */
export interface FingerprintCache {
  find(target: ScanTarget): Promise<CachedAnswer | null>;
  storeFingerprint(target: ScanTarget, fingerprint: Fingerprint): Promise<void>;
  /** Keeps a refusal that the same bytes will meet again, in files of the same names; others are not kept. */
  storeFailure(target: ScanTarget, failure: ScanFailure): Promise<void>;
}

export interface CacheOptions {
  readonly directory: string;
  readonly depth: ReadingDepth;
  /** Of the tool: another release may read what this one refuses. */
  readonly version: string;
  /** Address of the Hub that `hf:` targets are of. */
  readonly endpoint: string;
  /** Told once, when nothing can be written: a full disk, a read-only one. */
  readonly onTrouble?: ((error: WeightmarkError) => void) | undefined;
}

/** Room for the header line. */
const MAX_ENTRY_BYTES = MAX_FINGERPRINT_BYTES + 4096;
const DAY_MS = 86_400_000;

/** Refusals that weight files meet by their bytes alone. */
const BY_CONTENT = /^(?:ST_.*|EMPTY_FILE|GIT_LFS_POINTER|HTML_PAGE|TEXT_FILE|COMPRESSED_FILE|DUPLICATE_TENSOR)$/;
/** Refusals that a commit meets by what lies in it. */
const BY_COMMIT = /^(?:NO_WEIGHTS|UNSUPPORTED_CONTAINER|AMBIGUOUS_CHECKPOINT|INDEX_.*|SHARD_.*|DIRECTORY_TOO_LARGE)$/;

const failureSchema = z.strictObject({
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  detail: z.string().nullable(),
  passing: z.literal(false),
});

/**
 * Opens a cache: `directory/ab/<BLAKE3 of the key>`. Fingerprints lie under the content of their weight files, who
 * vouches for it, the rules of extraction and the depth; what has no content known in advance is not cached.
 */
export function openFingerprintCache(options: CacheOptions): FingerprintCache {
  const { directory, depth, version, endpoint } = options;
  let isBroken = false;

  // Digests and commits are what a Hub says of itself, not what was read: one that lies is believed of its own models
  // alone, and never answers for another Hub's or for this machine's (CWE-345).
  const whose = ({ id }: ScanTarget) => (id.startsWith(HUB_PREFIX) ? endpoint : "here");
  const keyOf = (kind: string, target: ScanTarget) =>
    target.content === null ? null : `${kind} ${target.content} ${whose(target)}`;
  const rules = depth === "deep" ? `${FINGERPRINT_VERSION} deep ${DEEP_VERSION}` : `${FINGERPRINT_VERSION} ${depth}`;
  const fingerprintKey = (target: ScanTarget) => keyOf(`fingerprint ${rules}`, target);
  // Refusals name files: a copy whose files are called otherwise is read itself, and told of by its own.
  const contentFailureKey = (target: ScanTarget) => keyOf(`failure ${version} ${namesOf(target)}`, target);
  // Not of a snapshot on this machine, whose download may not be over.
  const commitFailureKey = ({ id, revision }: ScanTarget) =>
    revision === null || !id.startsWith(HUB_PREFIX) ? null : `failure ${version} ${id} ${endpoint}`;
  const pathOf = (key: string) => {
    const name = digestOf(key);
    return join(directory, name.slice(0, 2), name);
  };

  async function load(key: string | null): Promise<Uint8Array | null> {
    if (key === null) return null;
    const path = pathOf(key);
    const bytes = await readStored(path, MAX_ENTRY_BYTES).catch(() => null);
    const payload = bytes === null ? null : readEntry(key, bytes);
    // Entries go by age of their last use; a date a day off is good enough, and saves a write a hit.
    if (payload !== null) await touch(path);
    return payload;
  }

  async function save(key: string | null, payload: () => Uint8Array): Promise<void> {
    if (key === null || isBroken) return;
    const path = pathOf(key);
    try {
      await makeDirectory(dirname(path));
      await writeFileAtomic(path, writeEntry(key, payload()), { overwrite: true, tidy: false });
    } catch (cause) {
      if (isBroken) return;
      isBroken = true;
      const message = "the cache cannot be written; the scan goes on without";
      options.onTrouble?.(new WeightmarkError("WRITE_FAILED", message, { file: directory, cause }));
    }
  }

  return {
    async find(target) {
      const stored = await load(fingerprintKey(target));
      const fingerprint = stored === null ? null : await parseFingerprint(stored, "cache").catch(() => null);
      if (fingerprint !== null) return { fingerprint };
      for (const key of [contentFailureKey(target), commitFailureKey(target)]) {
        const failure = parseFailure(await load(key));
        if (failure !== null) return { failure };
      }
      return null;
    },
    storeFingerprint: (target, fingerprint) => save(fingerprintKey(target), () => serializeFingerprint(fingerprint)),
    async storeFailure(target, failure) {
      if (failure.passing) return;
      const payload = () => Buffer.from(JSON.stringify(failure), "utf8");
      if (BY_CONTENT.test(failure.code)) await save(contentFailureKey(target), payload);
      else if (BY_COMMIT.test(failure.code)) await save(commitFailureKey(target), payload);
    },
  };
}

/** What the weight files of a target are called, as a digest. Of snapshots on this machine it is their place. */
function namesOf({ location, repository }: ScanTarget): string {
  const single = isWeightName(location) || isArrayName(location) ? basename(location) : null;
  const weights = repository?.files.filter(({ path }) => isWeightName(path) || isArrayName(path) || isShardIndex(path));
  const names = weights?.map(({ path, sha256 }) => JSON.stringify([path, sha256])).sort() ?? resolve(location);
  return digestOf(JSON.stringify([single, names]));
}

function parseFailure(payload: Uint8Array | null): ScanFailure | null {
  if (payload === null) return null;
  try {
    return failureSchema.safeParse(JSON.parse(new TextDecoder().decode(payload))).data ?? null;
  } catch {
    return null;
  }
}

async function touch(path: string): Promise<void> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
  const now = new Date();
  if (now.getTime() - mtimeMs > DAY_MS) await utimes(path, now, now).catch(() => undefined);
}
