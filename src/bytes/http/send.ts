import type { Dispatcher } from "undici";
import { bodyChunks, discard } from "./body.ts";
import { type Counters, requestKind } from "./bucket.ts";
import type { Connections } from "./connections.ts";
import type { HttpEnvironment } from "./environment.ts";
import { connectionFailure, isPassing, PassingFailure, passingStatus } from "./failure.ts";
import type { HostGate } from "./host-gate.ts";
import type { BearerToken, HttpReply, HttpRequest } from "./http-client.ts";
import { type RateLimit, readRateLimit } from "./rate-limit.ts";
import { isRedirect, redirectTarget, refusedRedirect } from "./redirect.ts";

/** Options with their defaults, and what all scopes of a client share. */
export interface Shared {
  readonly token: BearerToken | null;
  readonly gate: HostGate;
  readonly tries: number;
  readonly idleTimeoutMs: number;
  readonly maxWaitMs: number;
  readonly perOrigin: number;
  readonly connected: Connections;
  readonly environment: HttpEnvironment;
}

function headerMap(headers: Dispatcher.ResponseData["headers"]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name.toLowerCase(), Array.isArray(value) ? value.join(", ") : value);
  }
  return map;
}

/** A reply, and its body to be thrown away by anyone who is done with it. */
export interface Received {
  readonly reply: HttpReply;
  readonly discard: () => void;
}

/** When the server wants to be asked again. Of a 429 the end of a window that is used up counts as well: later is exact. */
function askedFor(status: number, { retryAt, window }: RateLimit): number | null {
  if (status !== 429 || window === null || window.remaining > 0) return retryAt;
  return Math.max(retryAt ?? 0, window.resetAt);
}

/** One request of one try, redirects followed. */
export async function send(
  { url: start, from = start, method = "GET", headers = {}, body: sent }: HttpRequest,
  shared: Shared,
  counters: Counters,
  location: string,
  signal: AbortSignal,
): Promise<Received> {
  const { token, gate, environment, idleTimeoutMs } = shared;
  let url = start;
  // Gone for good with the first step out of its origin: what another origin sends us back to is not our wish (CWE-522).
  let trusted = url.origin === from.origin && token?.origin === from.origin;
  let firstHeaders: ReadonlyMap<string, string> | null = null;
  for (let followed = 0; ; followed += 1) {
    const kind = requestKind(url, from);
    const bucket = `${url.origin} ${kind}`;
    await enter(bucket, shared, counters, signal);
    const dispatcher = shared.connected.dispatcher(url, from);
    counters[kind] += 1;
    const {
      statusCode,
      headers: raw,
      body,
    } = await dispatcher
      .request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        ...(sent === undefined ? {} : { body: sent }),
        headers: {
          ...headers,
          // Ranges are of the bytes at rest; and nothing may grow a thousandfold on arrival (CWE-409).
          "accept-encoding": "identity",
          "user-agent": "weightmark",
          ...(trusted ? { authorization: `Bearer ${token!.value}` } : {}),
        },
        signal,
      })
      .catch((error) => {
        throw connectionFailure(error);
      });
    body.on("error", () => undefined);
    const received = headerMap(raw);
    firstHeaders ??= received;
    const now = environment.now();
    const limit = readRateLimit(received, now);
    if (limit.window !== null) gate.observe(bucket, limit.window.remaining, limit.window.resetAt);
    if (isPassing(statusCode)) {
      discard(body, idleTimeoutMs);
      const retryAt = askedFor(statusCode, limit);
      // Everybody waits, not only the one who was told.
      if (retryAt !== null) gate.close(bucket, retryAt);
      throw passingStatus(statusCode, retryAt);
    }
    if (isRedirect(statusCode)) {
      discard(body, idleTimeoutMs);
      if (method === "POST") throw refusedRedirect("of a request that holds something", location);
      const next = redirectTarget(url, received.get("location"), followed, location);
      trusted &&= next.origin === from.origin;
      url = next;
      continue;
    }
    const reply: HttpReply = {
      status: statusCode,
      headers: received,
      firstHeaders,
      url,
      chunks: (expected) => bodyChunks(body, expected, idleTimeoutMs, counters),
    };
    return { reply, discard: () => discard(body, idleTimeoutMs) };
  }
}

/** Waits at the gate, unless that would take longer than anything may. */
async function enter(bucket: string, shared: Shared, counters: Counters, signal: AbortSignal): Promise<void> {
  const { gate, environment, maxWaitMs } = shared;
  const began = environment.now();
  const entered = await gate.enter(bucket, signal, began + maxWaitMs);
  counters.waitedMs += environment.now() - began;
  if (entered) return;
  throw new PassingFailure("HTTP_RATE_LIMITED", "the server asks for fewer requests", gate.opensAt(bucket));
}
