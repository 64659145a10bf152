import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHttpClient } from "../../../../src/bytes/http/client.ts";
import type { HttpClient, HttpClientOptions } from "../../../../src/bytes/http/http-client.ts";
import { proxiesOf, type Variables } from "../../../../src/bytes/http/proxies.ts";
import { WeightmarkError } from "../../../../src/errors.ts";
import {
  FAULTS,
  type FaultServer,
  PATIENT_MS,
  startFaultServer,
  type TestEnvironment,
  testEnvironment,
} from "../../../support/fault-server.ts";
import { type ProxyStandIn, startHttpProxy, startSocksProxy } from "../../../support/proxy-server.ts";
import { refusal } from "../../../support/refusal.ts";

/** The proxy of an address as one text, or null. */
function proxyOf(variables: Variables, url = "https://far.test/x"): string | null {
  const proxy = proxiesOf(variables).of(new URL(url));
  if (proxy === null) return null;
  const { variable, address, credentials } = proxy;
  const user = credentials === null ? "" : `${credentials.username}|${credentials.password}@`;
  return `${variable} ${address.protocol} ${user}${address.host}`;
}

function refusalOf(variables: Variables, url?: string): WeightmarkError {
  try {
    proxyOf(variables, url);
  } catch (error) {
    if (error instanceof WeightmarkError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("what the environment names", () => {
  test.each<[Variables, string | null, string?]>([
    [{}, null],
    [{ https_proxy: "http://p:3128" }, "https_proxy http: p:3128"],
    [{ HTTPS_PROXY: "p:3128" }, "HTTPS_PROXY http: p:3128"],
    [{ HTTPS_PROXY: "10.0.0.1:3128" }, "HTTPS_PROXY http: 10.0.0.1:3128"],
    [{ HTTPS_PROXY: "[::1]:3128" }, "HTTPS_PROXY http: [::1]:3128"],
    [{ HTTPS_PROXY: "proxy" }, "HTTPS_PROXY http: proxy"],
    [{ HTTPS_PROXY: " http://p:3128/\n" }, "HTTPS_PROXY http: p:3128"],
    [{ HTTPS_PROXY: "HTTPS://p" }, "HTTPS_PROXY https: p"],
    [{ HTTPS_PROXY: "https://p:8443" }, "HTTPS_PROXY https: p:8443"],
    [{ HTTPS_PROXY: "socks5://p:1" }, "HTTPS_PROXY socks5: p:1"],
    [{ HTTPS_PROXY: "socks5h://p" }, "HTTPS_PROXY socks5: p:1080"],
    [{ HTTPS_PROXY: "socks://[::1]" }, "HTTPS_PROXY socks5: [::1]:1080"],
    [{ HTTPS_PROXY: "http://me:p@ss@p:1" }, "HTTPS_PROXY http: me|p@ss@p:1"],
    [{ HTTPS_PROXY: "me:50%off@p:1" }, "HTTPS_PROXY http: me|50%off@p:1"],
    [{ HTTPS_PROXY: "socks5h://me:a%40b@p:1" }, "HTTPS_PROXY socks5: me|a@b@p:1"],
    [{ HTTPS_PROXY: "http://me@p:1" }, "HTTPS_PROXY http: me|@p:1"],
    [{ https_proxy: "a:1", HTTPS_PROXY: "b:1" }, "https_proxy http: a:1"],
    [{ https_proxy: "", HTTPS_PROXY: "b:1" }, null],
    [{ HTTPS_PROXY: " ", HTTP_PROXY: "" }, null],
    [{ HTTP_PROXY: "p:1" }, "HTTP_PROXY http: p:1"],
    [{ ALL_PROXY: "p:1" }, "ALL_PROXY http: p:1"],
    [{ ALL_PROXY: "socks5://a:1", http_proxy: "b:1" }, "http_proxy http: b:1"],
    [{ https_proxy: "p:1" }, null, "http://far.test/"],
    [{ all_proxy: "socks5h://p" }, "all_proxy socks5: p:1080", "http://far.test/"],
    [{ http_proxy: "p:1", all_proxy: "q:1" }, "http_proxy http: p:1", "http://far.test/"],
  ])("%j is %j", (variables, expected, url) => {
    expect(proxyOf(variables, url)).toBe(expected);
  });

  test.each<[string, string, boolean]>([
    ["*", "https://far.test/", true],
    ["a.test, *", "https://far.test/", true],
    ["far.test", "https://far.test/", true],
    ["FAR.test.", "https://far.test./", true],
    ["far.test", "https://deep.far.test/", true],
    [".far.test", "https://far.test/", true],
    ["*.far.test", "https://a.far.test/", true],
    ["far.test", "https://notfar.test/", false],
    ["far.test:443", "https://far.test/", true],
    ["far.test:8443", "https://far.test/", false],
    ["a.test far.test\tb.test", "https://far.test/", true],
    ["10.0.0.0/8,far.test", "https://10.200.0.1/", true],
    ["10.0.0.0/8", "https://11.0.0.1/", false],
    ["10.0.0.0/8", "https://10.example.test/", false],
    ["127.0.0.1", "https://127.0.0.1:8443/", true],
    ["127.0.0.1:1", "https://127.0.0.1:8443/", false],
    ["::1", "https://[::1]/", true],
    ["[::1]:8443", "https://[::1]:8443/", true],
    ["[::1]:8443", "https://[::1]/", false],
    ["0:0:0:0:0:0:0:1", "https://[::1]/", true],
    ["fd00::/8", "https://[fd12::1]/", true],
    ["fd00::/8", "https://[fe00::1]/", false],
    [", ,.", "https://far.test/", false],
    ["10.0.0.0/99, fe80::1%eth0, [, ], [:1, /, :", "https://10.0.0.1/", false],
  ])("NO_PROXY=%j exempts %s: %j", (list, url, isExempt) => {
    expect(proxyOf({ HTTPS_PROXY: "p:1", NO_PROXY: list }, url) === null).toBe(isExempt);
    expect(proxyOf({ HTTPS_PROXY: "p:1", NO_PROXY: "*", no_proxy: list }, url) === null).toBe(isExempt);
  });

  test.each<[string, RegExp]>([
    ["socks4://me:hunter2@p:1", /socks4:\/\/ proxy/],
    ["socks4a://hunter2", /socks4a:\/\/ proxy/],
    ["ftp://me:hunter2@p", /ftp:\/\/ proxy/],
    ["hunter2 is no address", /no address/],
    ["http://", /no address/],
    ["http://me:hunter2@", /no address/],
    ["http://p:hunter2", /no address/],
    ["me:hunter2@p:99999", /no address/],
  ])("%j cannot be used, which only requests that take it hear of", (value, why) => {
    for (const variable of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"]) {
      const error = refusalOf({ [variable]: value });
      expect(error).toMatchObject({ code: "PROXY_INVALID", kind: "usage" });
      expect(error.message).toMatch(why);
      expect(error.message).toMatch(new RegExp(`^${variable} `));
      expect(error.detail).toContain("NO_PROXY");
      expect(`${error.message} ${error.detail}`).not.toContain("hunter2");
      expect(proxyOf({ [variable]: value, NO_PROXY: "far.test" })).toBeNull();
      expect(proxyOf({ [variable]: value, NO_PROXY: "*" })).toBeNull();
    }
    expect(proxyOf({ HTTPS_PROXY: value }, "http://far.test/")).toBeNull();
    expect(proxyOf({ HTTPS_PROXY: "p:1", ALL_PROXY: value })).toBe("HTTPS_PROXY http: p:1");
  });
});

describe("requests by way of a proxy", () => {
  let server: FaultServer;
  let client: HttpClient;
  let environment: TestEnvironment;
  let proxy: ProxyStandIn;
  const warnings: string[] = [];
  const warned = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`);

  beforeEach(async () => {
    server = await startFaultServer();
    warnings.length = 0;
    process.on("warning", warned);
  });

  afterEach(async () => {
    process.off("warning", warned);
    await client.close();
    await proxy.close();
    await server.close();
  });

  function connectBy(variables: Variables, options: HttpClientOptions = {}): void {
    environment = testEnvironment({}, variables);
    client = createHttpClient({ idleTimeoutMs: PATIENT_MS, tries: 2, ...options }, environment);
  }

  const statusOf = (url: URL) =>
    client.exchange(
      () => ({ url }),
      async (reply) => {
        for await (const _ of reply.chunks(1000));
        return reply.status;
      },
      "there",
    );

  const KINDS: readonly (readonly [scheme: string, start: () => Promise<ProxyStandIn>])[] = [
    ["", () => startHttpProxy(server.port)],
    ["http://", () => startHttpProxy(server.port)],
    ["https://", () => startHttpProxy(server.port, true)],
    ["socks5://", () => startSocksProxy(server.port)],
    ["socks5h://", () => startSocksProxy(server.port)],
  ];

  test.each(KINDS)(
    "names are those of a proxy of %j to resolve, literal addresses are still checked",
    async (scheme, start) => {
      proxy = await start();
      connectBy({ HTTP_PROXY: `${scheme}127.0.0.1:${proxy.port}`, NO_PROXY: "direct.test" });
      expect(await statusOf(server.at("/a", "far.test"))).toBe(200);
      expect(proxy.tunnels).toEqual([`far.test:${server.port}`]);
      expect(proxy.users).toEqual([""]);
      expect(environment.resolved).toEqual([]);
      server.faults.push(FAULTS.redirect("http://10.0.0.1/"));
      await refusal(statusOf(server.at("/a", "far.test")), "HTTP_ADDRESS_REFUSED");
      server.faults.push(FAULTS.redirect("http://localhost:1/"));
      await refusal(statusOf(server.at("/a", "far.test")), "HTTP_ADDRESS_REFUSED");
      const refused = await refusal(statusOf(server.at("/a", "refused.test")), "HTTP_CONNECTION_FAILED");
      expect(refused.message).toContain("proxy refused");
      const before = proxy.tunnels.length;
      expect(await statusOf(server.at("/a", "direct.test"))).toBe(200);
      expect(proxy.tunnels).toHaveLength(before);
      expect(environment.resolved).toEqual(["direct.test"]);
      // Of SOCKS the library says itself that it is new.
      expect(warnings.filter((text) => !text.includes("SOCKS5"))).toEqual([]);
    },
  );

  test.each(KINDS)("a name and password are for the proxy of %j alone", async (scheme, start) => {
    proxy = await start();
    connectBy({ HTTP_PROXY: `${scheme}me:50%off@127.0.0.1:${proxy.port}` });
    expect(await statusOf(server.at("/a", "far.test"))).toBe(200);
    expect(proxy.users).toEqual(["me:50%off"]);
    expect(server.requests[0]!.headers).not.toHaveProperty("authorization");
    expect(server.requests[0]!.headers).not.toHaveProperty("proxy-authorization");
    const refused = await refusal(statusOf(server.at("/a", "refused.test")), "HTTP_CONNECTION_FAILED");
    expect(`${refused.message} ${refused.detail} ${refused.file}`).not.toContain("50%");
  });

  test.each(KINDS)("a server that says nothing is given up by way of %j too", async (scheme, start) => {
    proxy = await start();
    connectBy({ HTTP_PROXY: `${scheme}127.0.0.1:${proxy.port}` }, { idleTimeoutMs: 500, tries: 1 });
    server.faults.push(FAULTS.silent);
    await refusal(statusOf(server.at("/a", "far.test")), "HTTP_TIMED_OUT");
  });

  test("a proxy that cannot be used stops the requests that would take it, and no others", async () => {
    proxy = await startHttpProxy(server.port);
    connectBy({ HTTP_PROXY: "gopher://me:hunter2@p:1", NO_PROXY: "direct.test" });
    expect(await statusOf(server.at("/a", "direct.test"))).toBe(200);
    const error = await refusal(statusOf(server.at("/a", "far.test")), "PROXY_INVALID");
    expect(error.file).toBe("there");
    expect(environment.slept).toEqual([]);
  });
});
