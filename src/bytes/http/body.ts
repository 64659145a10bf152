import type { Dispatcher } from "undici";
import type { Counters } from "./bucket.ts";
import { connectionFailure, PassingFailure } from "./failure.ts";

export type Body = Dispatcher.ResponseData["body"];

/** Slower than this (bytes a second, on top of the idle timeout) is no line but a server that drips to hold us (CWE-400). */
const SLOWEST = 4096;

/** What is read of a body that nobody wants, so that its connection can be used again. */
const DISCARD_LIMIT = 16_384;

/** The body as it arrives. Every failure is a `PassingFailure`; leaving early ends the connection. */
export async function* bodyChunks(
  body: Body,
  expected: number,
  idleTimeoutMs: number,
  counters: Counters,
): AsyncGenerator<Uint8Array> {
  const slow = new PassingFailure("HTTP_TIMED_OUT", "the server sends its bytes too slowly");
  const timer = setTimeout(
    () => body.destroy(slow),
    Math.min(2 ** 31 - 1, idleTimeoutMs + (expected / SLOWEST) * 1000),
  );
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      counters.bytes += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw connectionFailure(error);
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}

/** Throws the rest of a body away: read when it is short, else with its connection. Never waits. */
export function discard(body: Body, idleTimeoutMs: number): void {
  if (body.destroyed || body.readableEnded) return;
  body.dump({ limit: DISCARD_LIMIT, signal: AbortSignal.timeout(idleTimeoutMs) }).catch(() => body.destroy());
}
