import { setImmediate } from "node:timers/promises";

/** Signals wait this long for calculations that are made of small steps; a turn costs microseconds. */
const EVERY_MS = 50;

let last = performance.now();

/**
 * Lets the event loop take a turn where it has had none for a while: neither signals nor timers are heard of in between.
 *
 * @throws the reason of the signal
 */
export async function takeTurn(signal?: AbortSignal): Promise<void> {
  if (performance.now() - last >= EVERY_MS) {
    await setImmediate();
    last = performance.now();
  }
  signal?.throwIfAborted();
}
