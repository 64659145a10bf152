import { undoUnfinished, watchUnfinished } from "../unfinished.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
type Interruption = (typeof SIGNALS)[number];

/** What a long command does instead of ending at once, while it runs. */
interface Handling {
  readonly handler: () => void;
  /** Milliseconds that it has for it. */
  readonly within: number;
}

let current: Handling | null = null;
let deadline: NodeJS.Timeout | undefined;
let hasUnfinished = false;
let isCatching = false;

/**
 * Signals are caught only while a temporary file or a lock has to be taken away, or a long command wants to end in order. At all
 * other times the system ends the process, which it does whatever the process is at: a handler has to wait for the end of
 * a calculation, and process.exit for the end of every read, of a pipe that nobody writes to as well.
 */
export function catchSignals(): void {
  watchUnfinished((some) => {
    hasUnfinished = some;
    reconsider();
  });
}

/**
 * Calls `handler` at the first SIGINT or SIGTERM instead of ending the process, until what is returned is called. When that takes
 * longer than `within` milliseconds the process ends all the same: it may wait for a server that has gone away.
 */
export function onInterrupt(handler: () => void, within: number): () => void {
  const handling = { handler, within };
  current = handling;
  reconsider();
  return () => {
    clearTimeout(deadline);
    if (current !== handling) return;
    current = null;
    reconsider();
  };
}

function isNeeded(): boolean {
  return hasUnfinished || current !== null;
}

function reconsider(): void {
  if (isNeeded()) listen();
  // Not before the event loop has told of a signal that came while there was need.
  else if (isCatching) setImmediate(() => isNeeded() || ignore());
}

function listen(): void {
  if (isCatching) return;
  isCatching = true;
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function ignore(): void {
  isCatching = false;
  for (const signal of SIGNALS) process.removeListener(signal, onSignal);
}

function onSignal(signal: Interruption): void {
  const handling = current;
  // The second signal ends the process, whatever the first one began.
  current = null;
  if (handling === null) end(signal);
  else {
    deadline = setTimeout(() => end(signal), handling.within).unref();
    handling.handler();
  }
}

function end(signal: Interruption): void {
  undoUnfinished();
  ignore();
  process.kill(process.pid, signal);
}
