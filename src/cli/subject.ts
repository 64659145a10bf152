import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { WeightmarkError } from "../errors.ts";
import type { Checkpoint, Subject } from "../index.ts";
import type { InputFacts } from "../report/build.ts";
import type { ReadingOptions } from "./options.ts";
import type { Session } from "./session.ts";

/** One model or fingerprint of the command line, fingerprinted, with what was read of it. */
export interface OpenSubject {
  readonly subject: Subject;
  readonly facts: InputFacts;
  close(): Promise<void>;
}

/** Where the Hugging Face cache keeps one revision of one repository. */
const SNAPSHOT = /(?:^|[/\\])models--([^/\\]+)[/\\]snapshots[/\\]([^/\\]+)$/;

/** "org/model@1a2b3c4" for a snapshot in a Hugging Face cache, else the last part of the path. */
export function nameOf(location: string): string {
  const path = resolve(location);
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
  const name = about.name ?? nameOf(location);
  const root = about.root ?? false;
  const stored = await readFingerprintFile(location);
  if (stored !== null) {
    const { fingerprint, bytes } = stored;
    session.log(`${location}: fingerprint file, depth ${fingerprint.depth}`);
    const facts: InputFacts = { location, kind: "fingerprint", bytesRead: bytes, bytesTotal: bytes };
    return { subject: { name, root, fingerprint, checkpoint: null }, facts, close: async () => {} };
  }
  const { openCheckpoint, byteBudget } = await import("../index.ts");
  const budget = byteBudget(options.maxBytes);
  const checkpoint = await openCheckpoint(location, { budget });
  try {
    const total = totalBytes(checkpoint);
    session.log(`${location}: ${checkpoint.tensors.size} tensors in ${checkpoint.files.length} files`);
    if (options.depth === "full") requireWithin(total, options.maxBytes, location);
    const fingerprint = await extract(checkpoint, options, session);
    return {
      subject: { name, root, fingerprint, checkpoint },
      facts: {
        location,
        kind: "model",
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

async function extract(checkpoint: Checkpoint, options: ReadingOptions, session: Session) {
  const { fingerprint: fingerprintCheckpoint } = await import("../index.ts");
  const depth = options.depth ?? "sampled";
  const progress = session.progress(`reading ${checkpoint.location}`, depth === "full" ? "bytes" : "matrices");
  const signal = options.timeout === undefined ? undefined : AbortSignal.timeout(1000 * options.timeout);
  try {
    return await fingerprintCheckpoint(checkpoint, {
      depth,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(signal === undefined ? {} : { signal }),
      onProgress: progress.update,
    });
  } catch (error) {
    // The signal is the only thing that can have aborted: report the time limit, not the abort.
    if (!signal?.aborted || error instanceof WeightmarkError) throw error;
    throw new WeightmarkError("TIMED_OUT", `not read within ${options.timeout} seconds`, {
      file: checkpoint.location,
      detail: "Raise --timeout, or use --depth sampled.",
      cause: error,
    });
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
export async function readFingerprintFile(location: string) {
  if (
    !(await stat(location).then(
      (found) => found.isFile(),
      () => false,
    ))
  )
    return null;
  const { isFingerprintHeader, MAX_FINGERPRINT_BYTES, openFileSource, parseFingerprint, readSafetensorsHeader } =
    await import("../index.ts");
  const source = await openFileSource(location);
  try {
    const header = await readSafetensorsHeader(source).catch(() => null);
    if (header === null || !isFingerprintHeader(header.metadata)) return null;
    if (source.size > MAX_FINGERPRINT_BYTES) {
      throw new WeightmarkError("FINGERPRINT_MALFORMED", `larger than ${MAX_FINGERPRINT_BYTES} bytes`, {
        file: location,
      });
    }
    return { fingerprint: await parseFingerprint(await source.read(0, source.size), location), bytes: source.size };
  } finally {
    await source.close();
  }
}
