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

/** One request, which redirects may make several of. Nothing but GET and HEAD is sent, and POST where there is a body. */
export interface HttpRequest {
  readonly url: URL;
  /** The address that a redirect to `url` was remembered of: what the user trusts. @default url */
  readonly from?: URL | undefined;
  /** @default GET */
  readonly method?: "GET" | "HEAD" | "POST" | undefined;
  /** Names in lower case; credentials are the client's own business and left out. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Of a POST, which no redirect is followed of: what it holds is for the one it was sent to. */
  readonly body?: Uint8Array | undefined;
}

/** Any reply that is no redirect and does not mean "later". */
export interface HttpReply {
  readonly status: number;
  /** Names in lower case; several of one name are joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  /** Headers of the first reply, which may have been a redirect: what a Hub knows of a file that lies elsewhere. */
  readonly firstHeaders: ReadonlyMap<string, string>;
  /** Where the reply came from after redirects. It may be a signed address: never shown. */
  readonly url: URL;
  /** The body, once. Ends a body that drips: `expected` bytes may take as long as a slow line needs, no longer. */
  chunks(expected: number): AsyncIterable<Uint8Array>;
}

/**
 * Sends requests by one policy: https unless the user typed http; redirects only where they may lead; the token only to
 * its origin; passing failures again, after exactly the time a server asks for; every wait bounded.
 */
export interface HttpClient {
  readonly counters: HttpCounters;
  /** Connections to one origin, at most. */
  readonly connections: number;
  /**
   * For a library that takes a `fetch` (the Hub's). Replies of any status are returned, but for those that still mean
   * "later" after the last try (HTTP_RATE_LIMITED, HTTP_SERVER_FAILED, HTTP_TIMED_OUT). Bodies are bounded. The token is
   * the client's to send: an Authorization header of the caller is left out.
   */
  readonly fetch: typeof globalThis.fetch;
  /**
   * One request and the reading of its reply, tried again together: a body that breaks off is as passing as a connection.
   *
   * @param request asked for anew at every try, so that it can go on where the last one stopped
   * @param take reads the reply; what it leaves of the body is thrown away
   * @param location what messages call the source
   * @throws HTTP_CONNECTION_FAILED, HTTP_TIMED_OUT, HTTP_SERVER_FAILED, HTTP_RATE_LIMITED, HTTP_ADDRESS_REFUSED,
   *   HTTP_REDIRECT_REFUSED, what `take` throws, and the reason of a signal that ends it
   */
  exchange<T>(
    request: () => HttpRequest,
    take: (reply: HttpReply) => Promise<T>,
    location: string,
    signal?: AbortSignal,
  ): Promise<T>;
  /** The same connections, token and gate with counters of its own, for one piece of work that `signal` may end. */
  scope(signal?: AbortSignal): HttpClient;
  /** The same client, counters and all, for requests that `signal` may end. Closes nothing. */
  until(signal: AbortSignal): HttpClient;
  /** Closes the connections; scopes close nothing. */
  close(): Promise<void>;
}
