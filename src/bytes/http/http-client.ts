import type { HostGate } from "./host-gate.ts";

/** A secret that one origin may see, and no other. Never printed, logged or stored. */
export interface BearerToken {
  readonly value: string;
  /** Such as "https://huggingface.co". */
  readonly origin: string;
}

export interface HttpClientOptions {
  readonly token?: BearerToken | null | undefined;
  /** @default a gate of this client alone */
  readonly gate?: HostGate | undefined;
  /** Tries of one request that fails for a passing reason, the first included. @default 5 */
  readonly tries?: number | undefined;
  /** Milliseconds without a byte (connecting, headers, body) after which a try has failed. @default 30,000 */
  readonly idleTimeoutMs?: number | undefined;
  /** Milliseconds that one request may wait in all, for retries and for Retry-After. @default 600,000 */
  readonly maxWaitMs?: number | undefined;
  /** Connections to one origin. @default 16 */
  readonly connections?: number | undefined;
}

/** Requests sent so far, by what the Hub's limits tell apart; storage is every other origin. */
export interface HttpCounters {
  readonly api: number;
  readonly resolve: number;
  readonly storage: number;
  /** Tries that failed and were made again. */
  readonly retries: number;
  /** Milliseconds waited because a server asked to. */
  readonly waitedMs: number;
  /** Body bytes received, those thrown away included. */
  readonly bytes: number;
}

/**
 * Sends requests by one policy: https unless the user typed http; redirects only where they may lead; the token only to
 * its origin; passing failures again, after exactly the time a server asks for; every wait bounded.
 */
export interface HttpClient {
  readonly counters: HttpCounters;
  /** For a library that takes a `fetch` (the Hub's). Replies of any status are returned; bodies are bounded. */
  readonly fetch: typeof globalThis.fetch;
  /** The same connections, token and gate with counters of its own, for one piece of work that `signal` may end. */
  scope(signal?: AbortSignal): HttpClient;
  /** Closes the connections; scopes close nothing. */
  close(): Promise<void>;
}
