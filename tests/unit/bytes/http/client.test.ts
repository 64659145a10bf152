import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { classifyAddress } from "../../../../src/bytes/http/address-policy.ts";
import { createHttpClient } from "../../../../src/bytes/http/client.ts";
import type { HttpClient, HttpClientOptions } from "../../../../src/bytes/http/http-client.ts";
import type { WeightmarkError } from "../../../../src/errors.ts";
import {
  FAULTS,
  type FaultServer,
  PATIENT_MS,
  startFaultServer,
  type TestEnvironment,
  testEnvironment,
} from "../../../support/fault-server.ts";
import { refusal } from "../../../support/refusal.ts";

const SECRET = "hf_secretsecretsecret";

let server: FaultServer;
let second: FaultServer;
let client: HttpClient;
let environment: TestEnvironment;

async function newClient(options: HttpClientOptions = {}, hosts: Parameters<typeof testEnvironment>[0] = {}) {
  await client?.close();
  environment = testEnvironment(hosts);
  client = createHttpClient({ idleTimeoutMs: PATIENT_MS, ...options }, environment);
}

beforeEach(async () => {
  server = await startFaultServer();
  second = await startFaultServer();
  await newClient();
});

afterEach(async () => {
  await client.close();
  await Promise.all([server.close(), second.close()]);
});

/** The status and body of a reply, by `exchange` itself. */
async function get(url: URL, by = client): Promise<{ status: number; text: string; url: URL }> {
  return by.exchange(
    () => ({ url }),
    async (reply) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of reply.chunks(1000)) pieces.push(piece);
      return { status: reply.status, text: Buffer.concat(pieces).toString("latin1"), url: reply.url };
    },
    "there",
  );
}

const textOf = ({ message, detail, file }: WeightmarkError) => `${message} ${detail} ${file}`;

describe("redirects", () => {
  test("are followed within an origin and beyond, relative ones too", async () => {
    server.faults.push(FAULTS.redirect("/b"), FAULTS.redirect(second.at("/c", "second.test").href, 307));
    expect((await get(server.at("/a", "public.test"))).url.pathname).toBe("/c");
    expect(server.requests.map(({ path }) => path)).toEqual(["/a", "/b"]);
  });

  test("in a circle end", async () => {
    for (let i = 0; i < 20; i += 1) server.faults.push(FAULTS.redirect("/a"));
    await refusal(get(server.at("/a")), "HTTP_REDIRECT_REFUSED");
    expect(server.requests).toHaveLength(6);
  });

  test.each([
    "",
    "http://[broken/",
    "ftp://public.test/a",
    "file:///etc/passwd",
    "https://user:hunter2@second.test/",
    "//user@second.test/",
  ])("to %j are refused", async (target) => {
    server.faults.push(target === "" ? FAULTS.status(302) : FAULTS.redirect(target));
    const error = await refusal(get(server.at("/a", "public.test")), "HTTP_REDIRECT_REFUSED");
    expect(textOf(error)).not.toContain("hunter2");
    expect(error.file).toBe("there");
  });

  test.each([
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://0x0a.1/",
    "http://localhost/",
    "http://localhost./",
    "http://metadata.google.internal/",
    "http://0/",
    "http://inner.test/",
    "http://inner.test./",
    "http://linklocal.test/",
  ])("from a public origin to %s are refused", async (target) => {
    await newClient(
      {},
      {
        "inner.test": ["192.168.7.7"],
        "inner.test.": ["192.168.7.7"],
        "linklocal.test": ["fe80::1", "169.254.1.1"],
        localhost: ["::1"],
      },
    );
    server.faults.push(FAULTS.redirect(target));
    const error = await refusal(get(server.at("/a", "public.test")), "HTTP_ADDRESS_REFUSED");
    expect(error.file).toBe("there");
    expect(environment.slept).toEqual([]);
  });

  test("from a private origin may lead to the like, not to loopback", async () => {
    const classify = (address: string) => (address === "127.0.0.1" ? "private" : classifyAddress(address));
    const own = createHttpClient({ idleTimeoutMs: PATIENT_MS }, { ...testEnvironment(), classify });
    server.faults.push(FAULTS.redirect(second.at("/b").href), FAULTS.redirect("http://[::1]:1/"));
    expect((await get(server.at("/a"), own)).url.pathname).toBe("/b");
    await refusal(get(server.at("/a"), own), "HTTP_ADDRESS_REFUSED");
    await own.close();
  });

  test("from loopback may lead to loopback, so that a stand-in works", async () => {
    const own = createHttpClient({ idleTimeoutMs: PATIENT_MS });
    server.faults.push(FAULTS.redirect(second.at("/b").href));
    expect((await get(server.at("/a"), own)).url.pathname).toBe("/b");
    await own.close();
  });
});

describe("names", () => {
  test("that do not exist are refused at once, those that cannot be looked up after some tries", async () => {
    const error = await refusal(get(new URL("http://nowhere.example/")), "HTTP_CONNECTION_FAILED");
    expect(error.message).toContain("does not exist");
    expect(environment.slept).toEqual([]);
    await newClient({}, { "nowhere.example": "EAI_AGAIN" });
    await refusal(get(new URL("http://nowhere.example/")), "HTTP_CONNECTION_FAILED");
    expect(environment.slept).toEqual([500, 1000, 2000, 4000]);
  });

  test("that were public and mean something inside later are refused (rebinding)", async () => {
    const own = testEnvironment();
    const addresses = ["127.0.0.1", "10.0.0.1"];
    own.resolve = async () => [{ address: addresses.shift() ?? "10.0.0.1", family: 4 }];
    const rebound = createHttpClient({ idleTimeoutMs: PATIENT_MS, tries: 1 }, own);
    const ask = () => get(server.at("/a", "public.test"), rebound);
    server.headers = { connection: "close" };
    await ask();
    await refusal(ask(), "HTTP_ADDRESS_REFUSED");
    await rebound.close();
  });

  test("with addresses inside and outside mean those outside", async () => {
    await newClient({}, { "public.test": ["::1", "127.0.0.1"] });
    const inside = createServer((_, response) => response.end("inside")).listen(server.port, "::1");
    await new Promise((ready) => inside.once("listening", ready));
    const { text } = await get(server.at("/a", "public.test"));
    expect(text).not.toBe("inside");
    inside.closeAllConnections();
    await new Promise((closed) => inside.close(closed));
  });

  test("of what nothing may be read from are refused though the user typed them", async () => {
    await newClient({}, { "linklocal.test": ["169.254.1.1"] });
    await refusal(get(new URL("http://linklocal.test/")), "HTTP_ADDRESS_REFUSED");
    await refusal(get(new URL("http://169.254.169.254/")), "HTTP_ADDRESS_REFUSED");
  });

  test("a redirect does not ride on a connection that the user's own address opened", async () => {
    const own = testEnvironment({ "inner.test": ["::1"] });
    const inside = createServer((_, response) => response.end("inside")).listen(0, "::1");
    await new Promise((ready) => inside.once("listening", ready));
    const { port } = inside.address() as AddressInfo;
    const both = createHttpClient({ idleTimeoutMs: PATIENT_MS }, own);
    const inner = new URL(`http://inner.test:${port}/`);
    expect((await get(inner, both)).text).toBe("inside");
    server.faults.push(FAULTS.redirect(inner.href));
    await refusal(get(server.at("/a", "public.test"), both), "HTTP_ADDRESS_REFUSED");
    await both.close();
    await new Promise((closed) => inside.close(closed));
  });
});

describe("the token", () => {
  const authorization = (of: FaultServer) => of.requests.map(({ headers }) => headers.authorization);
  const token = () => ({ value: SECRET, origin: server.at("/", "public.test").origin });

  test("goes to its origin, and stays there", async () => {
    await newClient({ token: token() });
    server.faults.push(FAULTS.redirect("/b"), FAULTS.redirect(second.at("/c", "second.test").href));
    await get(server.at("/a", "public.test"));
    expect(authorization(server)).toEqual([`Bearer ${SECRET}`, `Bearer ${SECRET}`]);
    expect(authorization(second)).toEqual([undefined]);
    // The same machine by another name or port is another origin.
    await get(server.at("/a", "other.test"));
    await get(second.at("/a", "public.test"));
    expect(authorization(server).at(-1)).toBeUndefined();
    expect(authorization(second).at(-1)).toBeUndefined();
  });

  test("does not come back after a step out of its origin, nor for somebody who sends one there", async () => {
    await newClient({ token: token() });
    server.faults.push(FAULTS.redirect(second.at("/b", "second.test").href));
    second.faults.push(FAULTS.redirect(server.at("/private", "public.test").href));
    await get(server.at("/a", "public.test"));
    expect(authorization(server)).toEqual([`Bearer ${SECRET}`, undefined]);
    second.faults.push(FAULTS.redirect(server.at("/private", "public.test").href));
    await get(second.at("/a", "second.test"));
    expect(authorization(server).at(-1)).toBeUndefined();
  });

  test("is in no refusal, no counter and no reply", async () => {
    await newClient({ token: token(), tries: 1 });
    const refusals = [
      [FAULTS.reset, "HTTP_CONNECTION_FAILED"],
      [FAULTS.status(429), "HTTP_RATE_LIMITED"],
      [FAULTS.status(503), "HTTP_SERVER_FAILED"],
      [FAULTS.redirect("ftp://x/"), "HTTP_REDIRECT_REFUSED"],
      [FAULTS.redirect("http://10.0.0.1/"), "HTTP_ADDRESS_REFUSED"],
      [FAULTS.raw("no http\r\n\r\n"), "HTTP_CONNECTION_FAILED"],
    ] as const;
    for (const [fault, code] of refusals) {
      server.faults.push(fault);
      const error = await refusal(get(server.at("/a?Signature=signed", "public.test")), code);
      const causes = `${(error.cause as Error | undefined)?.message} ${JSON.stringify(error.cause)}`;
      expect(`${textOf(error)} ${JSON.stringify(error)} ${causes}`).not.toMatch(/hf_secret|Bearer|signed/);
    }
    expect(JSON.stringify([client.counters, client])).not.toContain(SECRET);
    expect(authorization(server)).toEqual(Array(refusals.length).fill(`Bearer ${SECRET}`));
  });
});

describe("waiting", () => {
  const url = () => server.at("/api/models", "public.test");

  test.each([
    ["seconds", { "retry-after": "7" }, 7000],
    ["a date", { "retry-after": "Thu, 01 Jan 2026 00:00:09 GMT", date: "Thu, 01 Jan 2026 00:00:00 GMT" }, 9000],
    ["the end of the window", { ratelimit: '"api";r=0;t=55' }, 55_000],
    ["the later of both", { "retry-after": "60", ratelimit: '"api";r=0;t=55' }, 60_000],
  ])("429 with %s is waited for exactly", async (_, headers, wait) => {
    server.faults.push(FAULTS.status(429, headers));
    expect((await get(url())).status).toBe(200);
    expect(environment.slept[0]).toBe(wait);
    expect(client.counters).toMatchObject({ api: 2, retries: 1 });
    expect(client.counters.waitedMs).toBeGreaterThanOrEqual(wait);
    expect(client.counters.waitedMs).toBeLessThan(wait + 100);
  });

  test("503 with Retry-After as well; without, longer each time", async () => {
    server.faults.push(FAULTS.status(503, { "retry-after": "3" }), FAULTS.status(500), FAULTS.status(502));
    await get(url());
    expect(environment.slept.filter((each) => each >= 500)).toEqual([3000, 1000, 2000]);
  });

  test("a storm of 429 ends after as many tries as are allowed", async () => {
    for (let i = 0; i < 50; i += 1) server.faults.push(FAULTS.status(429, { "retry-after": "0" }));
    const error = await refusal(get(url()), "HTTP_RATE_LIMITED");
    expect(server.requests).toHaveLength(5);
    expect(error.kind).toBe("passing");
  });

  test("a 429 that asks for longer than allowed is refused and says how long, to everybody at once", async () => {
    server.faults.push(FAULTS.status(429, { "retry-after": "7200" }));
    const error = await refusal(get(url()), "HTTP_RATE_LIMITED");
    expect(error.detail).toBe("The server asks to wait 2 hours.");
    expect(environment.slept).toEqual([]);
    expect((await refusal(get(url()), "HTTP_RATE_LIMITED")).detail).toBe("The server asks to wait 2 hours.");
    expect(server.requests).toHaveLength(1);
    // What the limit does not count goes on.
    expect((await get(server.at("/org/name/resolve/main/f", "public.test"))).status).toBe(200);
  });

  test("a window that is used up is waited for before the request, not after its refusal", async () => {
    server.headers = { ratelimit: '"api";r=0;t=30' };
    await get(url());
    await get(url());
    expect(environment.slept[0]).toBe(30_000);
    expect(client.counters).toMatchObject({ api: 2, retries: 0 });
  });

  test("5xx again and again", async () => {
    for (let i = 0; i < 5; i += 1) server.faults.push(FAULTS.status(503));
    await refusal(get(url()), "HTTP_SERVER_FAILED");
  });

  test("requests are counted by what limits tell apart", async () => {
    await get(server.at("/api/models/a", "public.test"));
    await get(server.at("/api/resolve-cache/models/a", "public.test"));
    await get(server.at("/a/b/resolve/main/c", "public.test"));
    server.faults.push(FAULTS.redirect(second.at("/api/x/resolve/y", "second.test").href));
    await get(server.at("/a/b/resolve/main/c", "public.test"));
    expect(client.counters).toMatchObject({ api: 1, resolve: 3, storage: 1 });
  });
});

describe("TLS", () => {
  test("a certificate that nobody trusts is refused at once", async () => {
    const secure = await startFaultServer({ tls: true });
    const own = testEnvironment();
    const distrusting = createHttpClient({ idleTimeoutMs: PATIENT_MS }, { ...own, ca: null });
    const url = secure.at("/a", "public.test");
    const error = await refusal(get(url, distrusting), "HTTP_CONNECTION_FAILED");
    expect(error.message).toContain("certificate");
    expect(own.slept).toEqual([]);
    await distrusting.close();
    // As is the right one for another name.
    const another = await refusal(get(secure.at("/a", "another.test")), "HTTP_CONNECTION_FAILED");
    expect(another.message).toContain("certificate");
    expect((await get(url)).status).toBe(200);
    await secure.close();
  });

  test("https is never left for http, not even on the same host", async () => {
    const secure = await startFaultServer({ tls: true });
    secure.faults.push(FAULTS.redirect(server.at("/b", "public.test").href));
    await refusal(get(secure.at("/a", "public.test")), "HTTP_REDIRECT_REFUSED");
    expect(server.requests).toHaveLength(0);
    // The other way is welcome.
    server.faults.push(FAULTS.redirect(secure.at("/b", "public.test").href));
    expect((await get(server.at("/a", "public.test"))).url.protocol).toBe("https:");
    await secure.close();
  });

  test("a server that speaks no TLS is refused", async () => {
    const url = new URL(server.at("/", "public.test").href.replace("http:", "https:"));
    await refusal(get(url), "HTTP_CONNECTION_FAILED");
  });
});

test("a port where nobody listens is a connection that failed", async () => {
  const { port } = second;
  await second.close();
  second = await startFaultServer();
  await refusal(get(new URL(`http://public.test:${port}/`)), "HTTP_CONNECTION_FAILED");
  expect(environment.slept).toHaveLength(4);
});

test("connections are used again, whatever came over them", async () => {
  const url = server.at("/a", "public.test");
  const faults = [null, FAULTS.status(404), FAULTS.status(503), FAULTS.redirect("/b"), FAULTS.status(304, {}, "")];
  for (const fault of faults) {
    server.faults.push(fault);
    await get(url);
  }
  expect(server.requests).toHaveLength(7);
  // The second one while the rest of a reply that is not wanted is still read from the first.
  expect(server.connections).toBeLessThanOrEqual(2);
});

test("what is under way ends when the client is closed", async () => {
  server.faults.push(FAULTS.silent);
  const waiting = refusal(get(server.at("/a")), "INTERNAL");
  while (server.requests.length === 0) await new Promise(setImmediate);
  await client.close();
  await waiting;
  expect(environment.slept).toEqual([]);
});
