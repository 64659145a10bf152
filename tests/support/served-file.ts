import { afterEach, beforeEach, expect } from "vitest";
import type { ByteRange, PrefetchingSource } from "../../src/bytes/byte-source.ts";
import { createHttpClient } from "../../src/bytes/http/client.ts";
import type { HttpClient, HttpClientOptions } from "../../src/bytes/http/http-client.ts";
import { type HttpSourceOptions, openHttpSource } from "../../src/bytes/http/http-source.ts";
import {
  type FaultServer,
  PATIENT_MS,
  patterned,
  startFaultServer,
  type TestEnvironment,
  testEnvironment,
} from "./fault-server.ts";

export const MIB = 1024 * 1024;
/** How much the first request of a file asks for. */
export const PREFIX = 256 * 1024;
export const FILE = patterned(2 * MIB);

interface ServedFile {
  readonly server: FaultServer;
  /** Another server of the file, to which the first may send one on. */
  readonly storage: FaultServer;
  readonly client: HttpClient;
  /** The client's. */
  readonly environment: TestEnvironment;
  /** Closes the client and puts another in its place. */
  reconnect(options: HttpClientOptions): Promise<void>;
  /** The file by way of the client, from the server unless an address is given. */
  open(options?: Partial<HttpSourceOptions>, address?: URL): Promise<PrefetchingSource>;
}

/** `FILE` on two servers and a client for it, all of them new for every test of the calling file. */
export function servedFile(): ServedFile {
  let server: FaultServer;
  let storage: FaultServer;
  let client: HttpClient;
  let environment: TestEnvironment;

  function connect(options: HttpClientOptions): void {
    environment = testEnvironment();
    client = createHttpClient({ idleTimeoutMs: PATIENT_MS, ...options }, environment);
  }

  beforeEach(async () => {
    server = await startFaultServer({ file: FILE });
    storage = await startFaultServer({ file: FILE });
    connect({});
  });
  afterEach(async () => {
    await client.close();
    await Promise.all([server.close(), storage.close()]);
  });
  return {
    get server() {
      return server;
    },
    get storage() {
      return storage;
    },
    get client() {
      return client;
    },
    get environment() {
      return environment;
    },
    async reconnect(options) {
      await client.close();
      connect(options);
    },
    open: (options = {}, address = server.at()) =>
      openHttpSource(client, address, { location: "the file", expected: null, pinned: false, ...options }),
  };
}

export async function expectBytes(source: PrefetchingSource, range: ByteRange): Promise<void> {
  const bytes = await source.read(range.start, range.end);
  expect(Buffer.from(bytes).equals(FILE.subarray(range.start, range.end))).toBe(true);
}

/** The ranges that a server was asked for, in order. */
export const asked = (from: FaultServer) => from.requests.map(({ headers }) => headers.range);
