import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { classifyAddress } from "../../src/bytes/http/address-policy.ts";
import type { HttpEnvironment } from "../../src/bytes/http/environment.ts";
import type { Variables } from "../../src/bytes/http/proxies.ts";
import { CERTIFICATE, CERTIFICATE_KEY } from "./fault-server-certificate.ts";

/** How long clients may wait for a server that answers: so long that only what hangs, and no busy machine, comes to it. */
export const PATIENT_MS = 600_000;

/** What the server does with one request instead of serving the file. */
export type Fault = (request: IncomingMessage, response: ServerResponse, server: FaultServer) => void;

export interface FaultServer {
  readonly port: number;
  /** The address of `path` under the name of a host that resolves to loopback. */
  at(path?: string, host?: string): URL;
  /** The file that it serves at every path. May be replaced. */
  file: Buffer;
  /** Its ETag as it stands in the header, or null for none. May be replaced. */
  etag: string | null;
  /** Further headers of every reply that serves the file. */
  headers: Record<string, string>;
  /** Faults of the next requests, one each; afterwards all is well again. */
  readonly faults: (Fault | null)[];
  /** What was asked, in order. */
  readonly requests: { readonly path: string; readonly method: string; readonly headers: IncomingMessage["headers"] }[];
  /** Connections that were made. */
  readonly connections: number;
  close(): Promise<void>;
}

/** The range that a request asks for, clipped to the file; null for a request of all of it or beyond its end. */
export function rangeOf(request: IncomingMessage, size: number): { start: number; end: number } | null {
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  if (match === null || Number(match[1]) >= size) return null;
  return { start: Number(match[1]), end: Math.min(size, Number(match[2]) + 1) };
}

function head(server: FaultServer, start: number, end: number): Record<string, string> {
  return {
    "content-range": `bytes ${start}-${end - 1}/${server.file.length}`,
    "content-length": String(end - start),
    ...(server.etag === null ? {} : { etag: server.etag }),
    ...server.headers,
  };
}

function serve(request: IncomingMessage, response: ServerResponse, server: FaultServer): void {
  const { file, etag } = server;
  if (etag !== null && request.headers["if-none-match"] === etag) {
    response.writeHead(304, { etag }).end();
    return;
  }
  const range = rangeOf(request, file.length);
  if (range === null) {
    const status = request.headers.range === undefined ? 200 : 416;
    if (status === 416) response.writeHead(416, { "content-range": `bytes */${file.length}`, ...server.headers }).end();
    else response.writeHead(200, server.headers).end(file);
    return;
  }
  response.writeHead(206, head(server, range.start, range.end)).end(file.subarray(range.start, range.end));
}

/** A server on loopback that serves one file by ranges and does wrong on demand. */
export async function startFaultServer(options: { file?: Buffer; tls?: boolean } = {}): Promise<FaultServer> {
  let connections = 0;
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    self.requests.push({ path: request.url ?? "", method: request.method ?? "", headers: request.headers });
    // A client that leaves early is no failure of the server.
    response.on("error", () => undefined);
    (self.faults.shift() ?? serve)(request, response, self);
  };
  const tls = options.tls === true;
  const server = tls
    ? createSecureServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, listener)
    : createServer(listener);
  server.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  const self: FaultServer = {
    port,
    at: (path = "/file", host = "127.0.0.1") => new URL(`${tls ? "https" : "http"}://${host}:${port}${path}`),
    file: options.file ?? patterned(1000),
    etag: '"one"',
    headers: {},
    faults: [],
    requests: [],
    get connections() {
      return connections;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return self;
}

/** Bytes that tell where they are from: no two stretches of a kilobyte are alike. */
export function patterned(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at ^ (at >> 8) ^ ((at >> 16) * 31)) & 255;
  return bytes;
}

/** Faults by name. */
export const FAULTS = {
  /** RST before a byte of the reply. */
  reset: (request: IncomingMessage) => {
    request.socket.resetAndDestroy();
  },
  /** Headers and `bytes` of the body, then RST (`how` reset) or FIN. */
  broken:
    (bytes: number, how: "reset" | "end" = "reset"): Fault =>
    (request, response, server) => {
      const { start, end } = rangeOf(request, server.file.length)!;
      response.writeHead(206, head(server, start, end));
      response.write(server.file.subarray(start, start + bytes), () => {
        if (how === "reset") request.socket.resetAndDestroy();
        else request.socket.end();
      });
    },
  /** A body without a length that goes on for as long as anybody listens. */
  endless: (request: IncomingMessage, response: ServerResponse, server: FaultServer) => {
    const { start, end } = rangeOf(request, server.file.length)!;
    const { "content-length": _, ...headers } = head(server, start, end);
    response.writeHead(206, headers);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  },
  /** A byte every so many milliseconds, for ever. */
  dripping:
    (milliseconds: number): Fault =>
    (request, response, server) => {
      const { start, end } = rangeOf(request, server.file.length)!;
      response.writeHead(206, head(server, start, end));
      const timer = setInterval(() => response.write("x"), milliseconds);
      request.socket.once("close", () => clearInterval(timer));
    },
  /** Never answers. */
  silent: () => undefined,
  /** Any status with headers and a short body. */
  status:
    (status: number, headers: Record<string, string> = {}, body = "no"): Fault =>
    (_request, response) => {
      response.writeHead(status, headers).end(body);
    },
  redirect:
    (target: string, status = 302, headers: Record<string, string> = {}): Fault =>
    (_request, response) => {
      response.writeHead(status, { location: target, ...headers }).end("elsewhere");
    },
  /** The file as it is with other headers: null leaves one out. */
  headers:
    (changes: Record<string, string | null>): Fault =>
    (request, response, server) => {
      const { start, end } = rangeOf(request, server.file.length) ?? { start: 0, end: server.file.length };
      const headers = Object.entries({ ...head(server, start, end), ...changes }).filter(([, value]) => value !== null);
      response.writeHead(206, Object.fromEntries(headers) as Record<string, string>);
      response.end(server.file.subarray(start, end));
    },
  /** 200 and the whole file, whatever was asked for; without a length on demand. */
  whole:
    (length = true): Fault =>
    (_request, response, server) => {
      const headers = { ...(server.etag === null ? {} : { etag: server.etag }) };
      response.writeHead(200, length ? { ...headers, "content-length": String(server.file.length) } : headers);
      response.end(server.file);
    },
  compressed: (request: IncomingMessage, response: ServerResponse, server: FaultServer) => {
    const { start, end } = rangeOf(request, server.file.length)!;
    const { "content-length": _, ...headers } = head(server, start, end);
    response.writeHead(206, { ...headers, "content-encoding": "gzip" });
    response.end(gzipSync(server.file.subarray(start, end)));
  },
  /** These bytes on the wire, and no more. */
  raw:
    (text: string): Fault =>
    (request) => {
      request.socket.end(text);
    },
} satisfies Record<string, Fault | ((...args: never[]) => Fault)>;

export interface TestEnvironment extends HttpEnvironment {
  /** What was waited for, in ms, in order: no test waits for real. */
  readonly slept: number[];
  /** Names that were looked up, in order. */
  readonly resolved: string[];
}

/**
 * A machine in a world of its own: names resolve as `hosts` says (else *.test to loopback and others not at all), 127.0.0.1 is as
 * public as any address, and time passes only by waiting.
 */
export function testEnvironment(
  hosts: Record<string, readonly string[] | "EAI_AGAIN"> = {},
  variables: Variables = {},
): TestEnvironment {
  let now = Date.UTC(2026, 0, 1);
  const slept: number[] = [];
  const resolved: string[] = [];
  const table = new Map(Object.entries(hosts));
  return {
    slept,
    resolved,
    async resolve(hostname) {
      resolved.push(hostname);
      const addresses = table.get(hostname) ?? (hostname.endsWith(".test") ? ["127.0.0.1"] : "ENOTFOUND");
      if (typeof addresses === "string") {
        throw Object.assign(new Error(`getaddrinfo ${addresses} ${hostname}`), { code: addresses });
      }
      return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    },
    classify: (address) => (address === "127.0.0.1" ? "public" : classifyAddress(address)),
    now: () => now,
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      slept.push(milliseconds);
      now += milliseconds;
    },
    random: () => 0,
    ca: CERTIFICATE,
    variables,
  };
}
