import { setMaxListeners } from "node:events";

/** A signal that any of several ends, until it is released. `AbortSignal.any` keeps long-lived signals growing on Node 20. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  release(): void;
}

export function linkedSignal(...signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const given = signals.filter((each) => each !== undefined);
  // Every request in flight listens; a warning of a leak at the eleventh would be wrong.
  setMaxListeners(0, controller.signal, ...given);
  const abort = (event: Event) => controller.abort((event.target as AbortSignal).reason);
  for (const each of given) {
    if (each.aborted) controller.abort(each.reason);
    else each.addEventListener("abort", abort, { once: true });
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release() {
      for (const each of given) each.removeEventListener("abort", abort);
    },
  };
}
