import { WeightmarkError } from "../../errors.ts";
import type { HttpEnvironment } from "./environment.ts";
import { PassingFailure } from "./failure.ts";

export interface RetryOptions {
  readonly tries: number;
  readonly maxWaitMs: number;
  /** What messages call the source. */
  readonly location: string;
  readonly signal?: AbortSignal | undefined;
  /** Told of every wait before a further try, in ms, and whether the server asked for it. */
  onRetry(waitedMs: number, asked: boolean): void;
}

/** Without a word of the server: half a second, doubled each time, at most half a minute, less up to half by chance. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** @param failed tries that failed so far, at least 1 */
export function backoff(failed: number, random: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failed - 1)) * (1 - random / 2);
}

/** "90 seconds", "3 hours": how long to wait, for people. */
export function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return `${seconds} seconds`;
  if (seconds < 7200) return `${Math.ceil(seconds / 60)} minutes`;
  return `${Math.ceil(seconds / 3600)} hours`;
}

/** The refusal that a failure comes to when nobody tries again. */
export function giveUp(failure: PassingFailure, tries: number, location: string, now: number): WeightmarkError {
  const wait = failure.retryAt === null ? 0 : Math.max(0, failure.retryAt - now);
  const asks = wait > 0 ? `The server asks to wait ${duration(wait)}.` : undefined;
  const again = tries > 1 ? `, ${tries} times` : "";
  return new WeightmarkError(failure.code, `${failure.message}${again}`, {
    file: location,
    detail: asks,
    cause: failure.cause,
  });
}

/**
 * Tries until it works, a refusal is final, the tries are used up, or the waits would become longer than allowed. A time
 * that the server gave is kept to exactly.
 *
 * @param attempt throws `PassingFailure` for what is worth another try; anything else ends it
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  options: RetryOptions,
  environment: HttpEnvironment,
): Promise<T> {
  const { tries, maxWaitMs, location, signal } = options;
  let waited = 0;
  for (let failed = 1; ; failed += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (!(error instanceof PassingFailure)) throw error;
      const now = environment.now();
      const wait = error.retryAt === null ? backoff(failed, environment.random()) : Math.max(0, error.retryAt - now);
      if (failed >= tries || waited + wait > maxWaitMs) throw giveUp(error, failed, location, now);
      await environment.sleep(wait, signal);
      waited += wait;
      options.onRetry(wait, error.retryAt !== null);
    }
  }
}
