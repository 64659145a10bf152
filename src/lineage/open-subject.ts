import { byteBudget } from "../bytes/byte-budget.ts";
import { closing } from "../bytes/closing.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { isRemoteLocation } from "../checkpoint/location.ts";
import { type OpenOptions, openCheckpoint } from "../checkpoint/open-checkpoint.ts";
import { storedBytes } from "../checkpoint/stored-bytes.ts";
import { type DeepFingerprintOptions, takeFingerprint } from "../deep/deep-fingerprint.ts";
import { WeightmarkError } from "../errors.ts";
import { fingerprintIn, readFingerprintFile, type StoredFingerprint } from "./stored-fingerprint.ts";
import type { Subject } from "./subject.ts";
import { subjectName } from "./subject-name.ts";

export interface SubjectOptions
  extends Pick<OpenOptions, "remote" | "allowLinks" | "base">,
    Pick<DeepFingerprintOptions, "depth" | "deep" | "threads" | "onProgress"> {
  /** What the result calls it. @default the repository and commit of a model of the Hub, else the last part of the location */
  readonly name?: string | undefined;
  /** Trained from scratch: the only ground on which a direction is claimed. @default false */
  readonly root?: boolean | undefined;
  /** Bytes of weights that may be read. @default no limit */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told when the headers of a model are read, and none of its weights yet. */
  readonly onOpened?: ((checkpoint: Checkpoint) => void) | undefined;
}

/** One side of a comparison, ready to be compared, with what was read of it. Closes its files. */
export interface OpenedSubject extends Subject, AsyncDisposable {
  /** A path as it was given, or an address: of a Hub repository pinned to its commit, of others without the query. */
  readonly location: string;
  readonly kind: "model" | "fingerprint";
  /** Commit of a Hub repository, else null. */
  readonly revision: string | null;
  /** Of weights, or of the fingerprint file; grows while a comparison reads more. */
  readonly bytesRead: number;
  readonly bytesTotal: number;
  close(): Promise<void>;
}

/**
 * Opens a model or a fingerprint file, here or far away, and fingerprints it: its content decides which it is, never its name.
 *
 * @param location what `openCheckpoint` opens, or a file that `serializeFingerprint` made
 * @throws what `openCheckpoint` and `fingerprint` throw; FINGERPRINT_MALFORMED, BYTE_BUDGET_EXCEEDED; the signal's reason. Every
 *   file is closed then
 * @example
 * import { compare, openSubject } from "weightmark";
 *
 * await using suspect = await openSubject("suspect-model");
 * await using base = await openSubject("hf:org/base", { root: true });
 * console.log((await compare(suspect, base)).summary);
 */
export async function openSubject(location: string, options: SubjectOptions = {}): Promise<OpenedSubject> {
  const { depth = "sampled", maxBytes, signal, remote, allowLinks, base } = options;
  const stored = base !== undefined || isRemoteLocation(location) ? null : await readFingerprintFile(location);
  if (stored !== null) return storedSubject(stored, { ...options, name: options.name ?? subjectName(location) });
  const budget = byteBudget(maxBytes);
  const reading = { budget, signal, readAhead: depth === "full", remote, allowLinks, base };
  const checkpoint = await openCheckpoint(location, reading);
  try {
    const about = { name: options.name ?? subjectName(checkpoint.location), root: options.root ?? false };
    const fetched = await fingerprintIn(checkpoint);
    if (fetched !== null) {
      await checkpoint.close();
      return storedSubject(fetched, about);
    }
    const bytesTotal = storedBytes(checkpoint);
    options.onOpened?.(checkpoint);
    if (depth === "full") requireWithin(bytesTotal, maxBytes, checkpoint.location);
    const { deep, threads, onProgress } = options;
    const fingerprint = await takeFingerprint(checkpoint, {
      depth,
      ...(deep === undefined ? {} : { deep }),
      ...(threads === undefined ? {} : { threads }),
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return opened({
      ...about,
      fingerprint,
      checkpoint,
      location: checkpoint.location,
      kind: "model",
      revision: checkpoint.revision ?? null,
      givenBase: checkpoint.givenBase,
      bytesTotal,
      // Tests may read more. Workers of the full pass read on their own account, all of it; and windows of a small model
      // overlap, so that more may be read than there is.
      bytesRead: () => (depth === "full" ? bytesTotal : Math.min(budget.spent, bytesTotal)),
      close: () => checkpoint.close(),
    });
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

function storedSubject(stored: StoredFingerprint, { name, root = false }: SubjectOptions): OpenedSubject {
  const { location, revision, fingerprint, bytes } = stored;
  return opened({
    name: name ?? subjectName(location),
    root,
    fingerprint,
    checkpoint: null,
    location,
    kind: "fingerprint",
    revision,
    bytesTotal: bytes,
    bytesRead: () => bytes,
    close: async () => {},
  });
}

function opened(
  subject: Omit<OpenedSubject, "bytesRead" | typeof Symbol.asyncDispose> & { readonly bytesRead: () => number },
): OpenedSubject {
  const { bytesRead, ...rest } = subject;
  return closing({
    ...rest,
    get bytesRead() {
      return bytesRead();
    },
  });
}

/** The workers of the full pass read on their own account, so its bytes are counted before it starts. */
function requireWithin(bytes: number, maxBytes: number | undefined, location: string): void {
  if (maxBytes === undefined || bytes <= maxBytes) return;
  throw new WeightmarkError("BYTE_BUDGET_EXCEEDED", `reading all ${bytes} bytes would exceed ${maxBytes}`, {
    file: location,
    detail: "Raise `maxBytes`, or use `depth: sampled`.",
  });
}
