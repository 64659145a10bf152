import type { Dispatcher } from "undici";
import { WeightmarkError } from "../../errors.ts";
import { bodyChunks, discard } from "./body.ts";
import { type Counters, newCounters, requestKind } from "./bucket.ts";
import { type Connections, connections } from "./connections.ts";
import { type HttpEnvironment, MACHINE } from "./environment.ts";
import { connectionFailure, isPassing, PassingFailure, passingStatus } from "./failure.ts";
import { fetchThrough } from "./fetch.ts";
import type { HostGate } from "./host-gate.ts";
import type { BearerToken, HttpClient, HttpClientOptions, HttpReply, HttpRequest } from "./http-client.ts";
import { linkedSignal } from "./linked-signal.ts";
import { type RateLimit, readRateLimit } from "./rate-limit.ts";
import { isRedirect, redirectTarget } from "./redirect.ts";
import { giveUp, retrying } from "./retry.ts";
import { createGateMemory, hostGate } from "./shared-gate.ts";

/** Options with their defaults, and what all scopes of a client share. */
interface Shared {
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

/** A reply, and its body to be thrown away by whoever is done with it. */
interface Received {
  readonly reply: HttpReply;
  readonly discard: () => void;
}

/** When the server wants to be asked again. Of a 429 the end of a window that is used up counts as well: later is exact. */
function askedFor(status: number, { retryAt, window }: RateLimit): number | null {
  if (status !== 429 || window === null || window.remaining > 0) return retryAt;
  return Math.max(retryAt ?? 0, window.resetAt);
}

/** One request of one try, redirects followed. */
async function send(
  { url: start, from = start, method = "GET", headers = {} }: HttpRequest,
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

function clientOf(shared: Shared, outer: readonly AbortSignal[], close: () => Promise<void>): HttpClient {
  const counters = newCounters();

  async function exchange<T>(
    request: () => HttpRequest,
    take: (reply: HttpReply) => Promise<T>,
    location: string,
    inner?: AbortSignal,
  ): Promise<T> {
    const { signal, release } = linkedSignal(...outer, inner);
    async function attempt(): Promise<T> {
      signal.throwIfAborted();
      const { reply, discard: rest } = await send(request(), shared, counters, location, signal);
      try {
        return await take(reply);
      } finally {
        rest();
      }
    }
    try {
      return await retrying(
        attempt,
        {
          tries: shared.tries,
          maxWaitMs: shared.maxWaitMs,
          location,
          signal,
          onRetry(waitedMs, asked) {
            counters.retries += 1;
            if (asked) counters.waitedMs += waitedMs;
          },
        },
        shared.environment,
      );
    } catch (error) {
      if (error instanceof PassingFailure) throw giveUp(error, 1, location, shared.environment.now());
      if (!(error instanceof WeightmarkError) || error.file !== undefined) throw error;
      // Found at a connection, which does not know what it was made for.
      const { code, message, detail, cause } = error;
      throw new WeightmarkError(code, message, { detail, cause, file: location });
    } finally {
      release();
    }
  }

  return {
    counters,
    connections: shared.perOrigin,
    fetch: fetchThrough(exchange),
    exchange,
    scope: (signal) => clientOf(shared, signal === undefined ? outer : [...outer, signal], async () => undefined),
    close,
  };
}

/** Numbers that make sense, or the default. */
function atLeast(least: number, value: number | undefined, otherwise: number): number {
  return value === undefined || Number.isNaN(value) ? otherwise : Math.max(least, value);
}

/**
 * @param environment the machine's own clock, resolver and chance unless a test has others
 * @returns a client with connections of its own; `close` it
 */
export function createHttpClient(
  options: HttpClientOptions = {},
  environment: Partial<HttpEnvironment> = {},
): HttpClient {
  const machine = { ...MACHINE, ...environment };
  const idleTimeoutMs = atLeast(1, options.idleTimeoutMs, 30_000);
  const perOrigin = atLeast(1, options.connections, 16);
  const connected = connections({ idleTimeoutMs, connections: perOrigin }, machine);
  const shared: Shared = {
    token: options.token ?? null,
    gate: options.gate ?? hostGate(createGateMemory(), machine),
    tries: atLeast(1, options.tries, 5),
    idleTimeoutMs,
    maxWaitMs: atLeast(0, options.maxWaitMs, 600_000),
    perOrigin,
    connected,
    environment: machine,
  };
  return clientOf(shared, [], () => connected.close());
}
