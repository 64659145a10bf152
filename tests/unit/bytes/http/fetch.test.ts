import { afterEach, beforeEach, expect, test } from "vitest";
import { createHttpClient } from "../../../../src/bytes/http/client.ts";
import type { HttpClient } from "../../../../src/bytes/http/http-client.ts";
import {
  FAULTS,
  type FaultServer,
  PATIENT_MS,
  startFaultServer,
  testEnvironment,
} from "../../../support/fault-server.ts";
import { refusal } from "../../../support/refusal.ts";

let server: FaultServer;
let client: HttpClient;

beforeEach(async () => {
  server = await startFaultServer({ file: Buffer.from('{"a":1}') });
  const token = { value: "hf_secret", origin: server.at("/", "public.test").origin };
  client = createHttpClient({ token, idleTimeoutMs: PATIENT_MS }, testEnvironment());
});

afterEach(async () => {
  await client.close();
  await server.close();
});

const address = (path = "/api/models") => server.at(path, "public.test");

test("a reply of any status is returned, as a Response", async () => {
  server.headers = { "content-type": "application/json", link: '<https://host/next>; rel="next"' };
  const response = await client.fetch(address("/api/models?cursor=secret"));
  expect(response).toBeInstanceOf(Response);
  expect(await response.json()).toEqual({ a: 1 });
  expect(response.headers.get("Link")).toContain("next");
  expect(response.url).toBe(address().href);
  for (const status of [401, 403, 404, 416, 501]) {
    server.faults.push(FAULTS.status(status, { "x-error-code": "GatedRepo" }, "why"));
    const refused = await client.fetch(address());
    expect([refused.status, refused.ok, await refused.text()]).toEqual([status, false, "why"]);
    expect(refused.headers.get("X-Error-Code")).toBe("GatedRepo");
  }
  server.faults.push(FAULTS.status(204, {}, ""));
  expect((await client.fetch(address())).status).toBe(204);
  const head = await client.fetch(address(), { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  server.faults.push(FAULTS.raw("HTTP/1.1 700 Odd\r\ncontent-length: 0\r\n\r\n"));
  await refusal(client.fetch(address()), "HTTP_STATUS");
});

test("passing failures are tried again, and refused when they do not pass", async () => {
  server.faults.push(FAULTS.reset, FAULTS.status(503), FAULTS.status(429, { "retry-after": "1" }));
  expect((await client.fetch(address())).status).toBe(200);
  expect(client.counters).toMatchObject({ api: 4, retries: 3 });
  for (let i = 0; i < 5; i += 1) server.faults.push(FAULTS.status(503));
  await refusal(client.fetch(address()), "HTTP_SERVER_FAILED");
});

test("a body that breaks off is fetched again as a whole", async () => {
  server.faults.push(FAULTS.raw('HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{"a'));
  expect(await (await client.fetch(address())).json()).toEqual({ a: 1 });
});

test("bodies are bounded, announced or not", async () => {
  server.faults.push(FAULTS.raw("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"));
  await refusal(client.fetch(address()), "HTTP_BODY_WRONG");
  const before = client.counters.bytes;
  server.faults.push((_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  });
  await refusal(client.fetch(address()), "HTTP_BODY_WRONG");
  expect(client.counters.bytes - before).toBeLessThan(66 * 1024 * 1024);
  server.faults.push(FAULTS.status(200, { "content-encoding": "gzip" }));
  await refusal(client.fetch(address()), "HTTP_BODY_WRONG");
});

test("secrets of the caller are left out, the client's own goes to its origin", async () => {
  const headers = { Authorization: "Bearer other", Cookie: "session=1", Accept: "application/json" };
  await client.fetch(address(), { headers });
  await client.fetch(new Request(server.at("/api/models", "else.test"), { headers }));
  const [own, elsewhere] = server.requests.map((request) => request.headers);
  expect([own?.authorization, own?.cookie, own?.accept]).toEqual(["Bearer hf_secret", undefined, "application/json"]);
  expect([elsewhere?.authorization, elsewhere?.accept]).toEqual([undefined, "application/json"]);
});

test("nothing but reading, and only addresses that can be read", async () => {
  await refusal(client.fetch(address(), { method: "POST", body: "{}" }), "INTERNAL");
  await refusal(client.fetch("https://user:secret@host/"), "HTTP_ADDRESS_INVALID");
  await refusal(client.fetch("data:text/plain,a"), "HTTP_ADDRESS_INVALID");
  expect(server.requests).toEqual([]);
});

test("a signal ends it with its reason", async () => {
  server.faults.push(FAULTS.silent);
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("enough")), 20);
  await expect(client.fetch(address(), { signal: stop.signal })).rejects.toThrow("enough");
});
