import { WeightmarkError } from "../errors.ts";
import type { OpenedSubject } from "../index.ts";
import type { ReadingOptions } from "./options.ts";
import type { Progress } from "./progress.ts";
import { accessOf, shownLocation } from "./remote.ts";
import type { Session } from "./session.ts";

/** One model or fingerprint of the command line, opened and fingerprinted as its flags say. */
export async function openSubject(
  location: string,
  options: ReadingOptions,
  session: Session,
  about: { readonly name?: string | undefined; readonly root?: boolean | undefined } = {},
): Promise<OpenedSubject> {
  const library = await import("../index.ts");
  const { threads, maxBytes, deep, depth = "sampled" } = options;
  const limit = timeLimit(options, shownLocation(location));
  const access = await accessOf(location, options);
  let progress: Progress = { update() {}, end() {} };
  try {
    const subject = await library.openSubject(location, {
      ...about,
      ...access,
      depth,
      maxBytes,
      ...(threads === undefined ? {} : { threads }),
      ...(deep === undefined ? {} : { deep }),
      signal: limit.signal,
      onOpened({ location: opened, tensors, files }) {
        session.log(`${opened}: ${tensors.size} tensors in ${files.length} files`);
        progress = session.progress(`reading ${opened}`, depth === "full" ? "bytes" : "readings");
      },
      onProgress: (done, total) => progress.update(done, total),
    });
    if (subject.kind === "fingerprint") {
      session.log(`${subject.location}: fingerprint file, depth ${subject.fingerprint.depth}`);
    }
    return subject;
  } catch (error) {
    throw limit.explain(error);
  } finally {
    progress.end();
  }
}

/** --timeout: a signal, and what its abort is called where it surfaces. */
interface TimeLimit {
  readonly signal: AbortSignal | undefined;
  explain(error: unknown): unknown;
}

function timeLimit({ timeout }: ReadingOptions, location: string): TimeLimit {
  const signal = timeout === undefined ? undefined : AbortSignal.timeout(Math.ceil(1000 * timeout));
  return {
    signal,
    explain(error) {
      // The signal is the only thing that can have aborted: report the time limit, not the abort.
      if (!signal?.aborted || error instanceof WeightmarkError) return error;
      return new WeightmarkError("TIMED_OUT", `not read within ${timeout} seconds`, {
        file: location,
        detail: "Raise --timeout, or use --depth sampled.",
        cause: error,
      });
    },
  };
}
