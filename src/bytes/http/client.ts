import { WeightmarkError } from "../../errors.ts";
import { newCounters } from "./bucket.ts";
import { connections } from "./connections.ts";
import { type HttpEnvironment, MACHINE } from "./environment.ts";
import { PassingFailure } from "./failure.ts";
import { fetchThrough } from "./fetch.ts";
import type { HttpClient, HttpClientOptions, HttpReply, HttpRequest } from "./http-client.ts";
import { linkedSignal } from "./linked-signal.ts";
import { giveUp, retrying } from "./retry.ts";
import { type Shared, send } from "./send.ts";
import { createGateMemory, hostGate } from "./shared-gate.ts";

function clientOf(
  shared: Shared,
  outer: readonly AbortSignal[],
  close: () => Promise<void>,
  counters = newCounters(),
): HttpClient {
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
    until: (signal) => clientOf(shared, [...outer, signal], async () => undefined, counters),
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
