import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { WeightmarkError } from "../errors.ts";
import type { ByteSource, Checkpoint, Subject } from "../index.ts";
import type { InputFacts } from "../report/build.ts";
import type { ReadingOptions } from "./options.ts";
import { isAddress, openModel, shownLocation } from "./remote.ts";
import type { Session } from "./session.ts";

/** One model or fingerprint of the command line, fingerprinted, with what was read of it. */
export interface OpenSubject {
  readonly subject: Subject;
  readonly facts: InputFacts;
  close(): Promise<void>;
}

/** Where the Hugging Face cache keeps one revision of one repository. */
const SNAPSHOT = /(?:^|[/\\])models--([^/\\]+)[/\\]snapshots[/\\]([^/\\]+)$/;

/** "org/model@1a2b3c4" for a model of the Hub or a snapshot in its cache, else the last part of the path or address. */
export function nameOf(location: string): string {
  if (location.startsWith("hf:")) return location.slice(3).replace(/@([0-9a-f]{7})[0-9a-f]{33}(?=\/|$)/, "@$1");
  const path = isAddress(location) ? shownLocation(location) : resolve(location);
  const [, repository, revision] = SNAPSHOT.exec(path) ?? [];
  if (repository === undefined || revision === undefined) return basename(path) || location;
  return `${repository.replace("--", "/")}@${revision.slice(0, 7)}`;
}

/** Opens a model, or a fingerprint file: its content decides which, never its name. */
export async function openSubject(
  location: string,
  options: ReadingOptions,
  session: Session,
  about: { readonly name?: string | undefined; readonly root?: boolean | undefined } = {},
): Promise<OpenSubject> {
  const root = about.root ?? false;
  const stored = isAddress(location) ? null : await readFingerprintFile(location);
  if (stored !== null) return storedSubject(stored, { name: about.name ?? nameOf(location), root }, session);
  const { byteBudget } = await import("../index.ts");
  const budget = byteBudget(options.maxBytes);
  const limit = timeLimit(options, shownLocation(location));
  const reading = { budget, signal: limit.signal, readAhead: options.depth === "full" };
  const checkpoint = await openModel(location, options, reading).catch(limit.explain);
  try {
    const name = about.name ?? nameOf(checkpoint.location);
    const fetched = await fingerprintIn(checkpoint);
    if (fetched !== null) {
      await checkpoint.close();
      return storedSubject(fetched, { name, root }, session);
    }
    const total = totalBytes(checkpoint);
    session.log(`${checkpoint.location}: ${checkpoint.tensors.size} tensors in ${checkpoint.files.length} files`);
    if (options.depth === "full") requireWithin(total, options.maxBytes, checkpoint.location);
    const fingerprint = await extract(checkpoint, options, session, limit);
    return {
      subject: { name, root, fingerprint, checkpoint },
      facts: {
        location: checkpoint.location,
        kind: "model",
        revision: checkpoint.revision ?? null,
        // Asked for when everything is done: tests may read more. Workers read on their own account, all of it; and
        // windows of a small model overlap, so that more may be read than there is.
        get bytesRead() {
          return options.depth === "full" ? total : Math.min(budget.spent, total);
        },
        bytesTotal: total,
      },
      close: () => checkpoint.close(),
    };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** A fingerprint file with what was read of it. */
interface StoredFingerprint {
  readonly location: string;
  readonly revision: string | null;
  readonly fingerprint: Subject["fingerprint"];
  readonly bytes: number;
}

function storedSubject(
  stored: StoredFingerprint,
  about: Pick<Subject, "name" | "root">,
  session: Session,
): OpenSubject {
  const { location, revision, fingerprint, bytes } = stored;
  session.log(`${location}: fingerprint file, depth ${fingerprint.depth}`);
  const facts: InputFacts = { location, kind: "fingerprint", revision, bytesRead: bytes, bytesTotal: bytes };
  return { subject: { ...about, fingerprint, checkpoint: null }, facts, close: async () => {} };
}

/** --timeout: a signal, and what its abort is called where it surfaces. */
interface TimeLimit {
  readonly signal: AbortSignal | undefined;
  explain(error: unknown): never;
}

function timeLimit({ timeout }: ReadingOptions, location: string): TimeLimit {
  const signal = timeout === undefined ? undefined : AbortSignal.timeout(Math.ceil(1000 * timeout));
  return {
    signal,
    explain(error) {
      // The signal is the only thing that can have aborted: report the time limit, not the abort.
      if (!signal?.aborted || error instanceof WeightmarkError) throw error;
      throw new WeightmarkError("TIMED_OUT", `not read within ${timeout} seconds`, {
        file: location,
        detail: "Raise --timeout, or use --depth sampled.",
        cause: error,
      });
    },
  };
}

async function extract(checkpoint: Checkpoint, options: ReadingOptions, session: Session, limit: TimeLimit) {
  const { fingerprint: fingerprintCheckpoint } = await import("../index.ts");
  const depth = options.depth ?? "sampled";
  const progress = session.progress(`reading ${checkpoint.location}`, depth === "full" ? "bytes" : "readings");
  try {
    return await fingerprintCheckpoint(checkpoint, {
      depth,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(limit.signal === undefined ? {} : { signal: limit.signal }),
      onProgress: progress.update,
    }).catch(limit.explain);
  } finally {
    progress.end();
  }
}

/** The workers of the full pass read on their own account, so its bytes are counted before it starts. */
function requireWithin(bytes: number, maxBytes: number | undefined, location: string): void {
  if (maxBytes === undefined || bytes <= maxBytes) return;
  throw new WeightmarkError("BYTE_BUDGET_EXCEEDED", `reading all ${bytes} bytes would exceed ${maxBytes}`, {
    file: location,
    detail: "Raise --max-bytes, or use --depth sampled.",
  });
}

function totalBytes({ files }: Checkpoint): number {
  return files.reduce((sum, { source }) => sum + source.size, 0);
}

/** The fingerprint in a file that holds one, else null. What is no safetensors file is left to `openCheckpoint` to name. */
export async function readFingerprintFile(location: string): Promise<StoredFingerprint | null> {
  const { fsPath, isFingerprintHeader, openFileSource, readSafetensorsHeader } = await import("../index.ts");
  const isFile = await stat(fsPath(location)).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return null;
  const source = await openFileSource(location);
  try {
    const header = await readSafetensorsHeader(source).catch(() => null);
    if (header === null || !isFingerprintHeader(header)) return null;
    return await readFingerprint(source, null);
  } finally {
    await source.close();
  }
}

/** The fingerprint that a far-away file turns out to be, else null. */
async function fingerprintIn({
  location,
  revision,
  files,
  metadata,
  tensors,
}: Checkpoint): Promise<StoredFingerprint | null> {
  const [file] = files;
  if (!isAddress(location) || file === undefined || metadata == null) return null;
  const { isFingerprintHeader } = await import("../index.ts");
  return isFingerprintHeader({ metadata, tensors }) ? readFingerprint(file.source, revision ?? null) : null;
}

async function readFingerprint(source: ByteSource, revision: string | null): Promise<StoredFingerprint> {
  const { MAX_FINGERPRINT_BYTES, parseFingerprint } = await import("../index.ts");
  const { location, size: bytes } = source;
  if (bytes > MAX_FINGERPRINT_BYTES) {
    throw new WeightmarkError("FINGERPRINT_MALFORMED", `larger than ${MAX_FINGERPRINT_BYTES} bytes`, {
      file: location,
    });
  }
  return { location, revision, fingerprint: await parseFingerprint(await source.read(0, bytes), location), bytes };
}
