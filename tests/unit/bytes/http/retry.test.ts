import { describe, expect, test } from "vitest";
import { connectionFailure, PassingFailure } from "../../../../src/bytes/http/failure.ts";
import { backoff, duration, retrying } from "../../../../src/bytes/http/retry.ts";
import { ERRORS, WeightmarkError } from "../../../../src/errors.ts";
import { testEnvironment } from "../../../support/fault-server.ts";
import { refusal } from "../../../support/refusal.ts";

function setUp(maxWaitMs = 60_000) {
  const environment = testEnvironment();
  const asked: boolean[] = [];
  let tries = 0;
  const run = (failures: readonly unknown[], signal?: AbortSignal) =>
    retrying(
      async () => {
        const failure = failures[tries];
        tries += 1;
        if (failure !== undefined) throw failure;
        return tries;
      },
      { tries: 4, maxWaitMs, location: "there", signal, onRetry: (_, by) => asked.push(by) },
      environment,
    );
  return { environment, asked, run, tries: () => tries };
}

const passing = (retryAt: number | null = null) =>
  new PassingFailure("HTTP_SERVER_FAILED", "the server failed", retryAt);

describe("retrying", () => {
  test("waits longer each time, and exactly as long as the server says", async () => {
    const { environment, asked, run } = setUp();
    const at = environment.now() + 500 + 7000;
    expect(await run([passing(), passing(at), passing()])).toBe(4);
    expect(environment.slept).toEqual([500, 7000, 2000]);
    expect(asked).toEqual([false, true, false]);
  });

  test("does not wait for what is over", async () => {
    const { environment, run } = setUp();
    await run([passing(environment.now() - 1000)]);
    expect(environment.slept).toEqual([0]);
  });

  test("ends when the tries are used up", async () => {
    const { run, tries } = setUp();
    const error = await refusal(run(Array(9).fill(passing())), "HTTP_SERVER_FAILED");
    expect([tries(), error.message, error.file]).toEqual([4, "the server failed, 4 times", "there"]);
    // Where the server did not say how long to wait, what helps depends on what failed.
    expect(error.detail).toBe(ERRORS.HTTP_SERVER_FAILED.advice);
  });

  test("ends when the waits together would be longer than allowed, without waiting", async () => {
    const { environment, run, tries } = setUp(10_000);
    const error = await refusal(run([passing(), passing(environment.now() + 10_100)]), "HTTP_SERVER_FAILED");
    expect(error.detail).toBe("The server asks to wait 10 seconds.");
    expect(tries()).toBe(2);
    expect(environment.slept).toEqual([500]);
  });

  test("does not repeat a refusal, nor a bug", async () => {
    const { run, tries } = setUp();
    await refusal(run([new WeightmarkError("HTTP_NOT_FOUND", "gone")]), "HTTP_NOT_FOUND");
    await expect(setUp().run([new TypeError("a bug")])).rejects.toThrow(TypeError);
    expect(tries()).toBe(1);
  });

  test("ends with the reason of the signal", async () => {
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    await expect(setUp().run([passing()], stop.signal)).rejects.toThrow("enough");
    // Of the last try as well, whatever it failed of.
    const { environment } = setUp();
    const options = { tries: 1, maxWaitMs: 0, location: "there", signal: stop.signal, onRetry: () => undefined };
    await expect(retrying(() => Promise.reject(passing()), options, environment)).rejects.toThrow("enough");
  });
});

test("waits are spread by chance, and bounded", () => {
  expect([1, 2, 3, 4].map((failed) => backoff(failed, 0))).toEqual([500, 1000, 2000, 4000]);
  expect(backoff(1, 0.999)).toBeGreaterThan(250);
  expect(backoff(1000, 0)).toBe(30_000);
});

test("durations for people", () => {
  expect([1, 119_001, 7_200_000, 90_000_000].map(duration)).toEqual(["1 seconds", "2 minutes", "2 hours", "25 hours"]);
});

describe("what is wrong with a connection", () => {
  const code = (value: unknown) => connectionFailure(Object.assign(new Error("secret"), { code: value }));

  test.each(["ECONNRESET", "ECONNREFUSED", "EPIPE", "EAI_AGAIN", "UND_ERR_SOCKET", "HPE_INVALID_CONSTANT", "", 7])(
    "%j may pass",
    (value) => {
      const failure = code(value);
      expect(failure).toBeInstanceOf(PassingFailure);
      expect([failure.code, failure.message.includes("secret")]).toEqual(["HTTP_CONNECTION_FAILED", false]);
    },
  );

  test.each(["ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR", "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE"])(
    "%s may pass",
    (value) => {
      expect(code(value).message).toBe(`TLS failed (${value})`);
      expect(code(value)).toBeInstanceOf(PassingFailure);
    },
  );

  test.each(["UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "ETIMEDOUT"])(
    "%s is a timeout",
    (value) => {
      expect(code(value).code).toBe("HTTP_TIMED_OUT");
    },
  );

  test.each([
    "ENOTFOUND",
    "CERT_HAS_EXPIRED",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "ERR_SSL_WRONG_VERSION_NUMBER",
  ])("%s will not", (value) => {
    const failure = code(value);
    expect(failure).toBeInstanceOf(WeightmarkError);
    expect(failure.code).toBe("HTTP_CONNECTION_FAILED");
  });

  test("a server without TLS has a wrong port or the wrong scheme", () => {
    const failure = code("ERR_SSL_WRONG_VERSION_NUMBER") as WeightmarkError;
    expect(failure.detail).toMatch(/port.*http:/);
  });

  test("several addresses that fail each by itself are named by the first", () => {
    const both = new AggregateError([Object.assign(new Error("a"), { code: "ECONNREFUSED" }), new Error("b")]);
    expect(connectionFailure(both).message).toContain("ECONNREFUSED");
  });
});
