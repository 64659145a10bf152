const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** What a long command does instead of ending at once, while it runs. */
let current: (() => void) | null = null;

/** As handlers, so that the synchronous parts of a write or of a lock are over before the process ends. */
export function catchSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      const handler = current;
      // The second signal ends the process, whatever the first one began.
      current = null;
      if (handler === null) process.exit(EXIT_CODES[signal]);
      handler();
    });
  }
}

/** Calls `handler` at the first SIGINT or SIGTERM instead of ending the process, until what is returned is called. */
export function onInterrupt(handler: () => void): () => void {
  current = handler;
  return () => {
    if (current === handler) current = null;
  };
}
