import { undoUnfinished, watchUnfinished } from "../unfinished.ts";

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type Interruption = keyof typeof EXIT_CODES;

/** The first process of a container: the kernel ends it by no signal that it does not catch. */
const IS_INIT = process.pid === 1;

/** What a long command does instead of ending at once, while it runs. */
let current: (() => void) | null = null;
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

/** Calls `handler` at the first SIGINT or SIGTERM instead of ending the process, until what is returned is called. */
export function onInterrupt(handler: () => void): () => void {
  current = handler;
  reconsider();
  return () => {
    if (current !== handler) return;
    current = null;
    reconsider();
  };
}

function isNeeded(): boolean {
  return hasUnfinished || current !== null || IS_INIT;
}

function reconsider(): void {
  if (isNeeded()) listen();
  // Not before the event loop has told of a signal that came while there was need.
  else if (isCatching) setImmediate(() => isNeeded() || ignore());
}

function listen(): void {
  if (isCatching) return;
  isCatching = true;
  for (const signal of Object.keys(EXIT_CODES)) process.on(signal, onSignal);
}

function ignore(): void {
  isCatching = false;
  for (const signal of Object.keys(EXIT_CODES)) process.removeListener(signal, onSignal);
}

function onSignal(signal: Interruption): void {
  const handler = current;
  // The second signal ends the process, whatever the first one began.
  current = null;
  if (handler === null) end(signal);
  else handler();
}

function end(signal: Interruption): void {
  undoUnfinished();
  if (IS_INIT) process.exit(EXIT_CODES[signal]);
  ignore();
  process.kill(process.pid, signal);
}
