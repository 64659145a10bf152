import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createHttpClient } from "../../../src/bytes/http/client.ts";
import { type AskOptions, askAuthority } from "../../../src/timestamps/ask-authority.ts";
import { readCertificate } from "../../../src/timestamps/certificate.ts";
import { readTrustedRoots } from "../../../src/timestamps/trusted-roots.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { certify, stampReply, timeAuthority } from "../../support/time-authority.ts";
import { stampOf, timeServer } from "../../support/time-server.ts";

const ROOT = certify();
const CLOCK = timeAuthority(ROOT);
const DATA = new TextEncoder().encode("committed");
const client = createHttpClient({ tries: 1 });
afterAll(() => client.close());

const at = timeServer(CLOCK, {
  "/nonce": (asked) => stampReply(stampOf({ ...asked, nonce: asked.nonce + 1n }, CLOCK)),
  "/policy": (asked) => stampReply(stampOf(asked, CLOCK, { policy: "1.2.3.4.7" })),
  "/other": (asked) => stampReply(stampOf({ ...asked, imprint: new Uint8Array(32) }, CLOCK)),
  "/refused": () => stampReply(null, 2n, Uint8Array.of(0, 0, 1)),
  "/waiting": () => stampReply(null, 3n),
  "/nothing": () => stampReply(null),
  "/cut": (asked) => stampReply(stampOf(asked, CLOCK)).subarray(0, 200),
  "/page": () => Buffer.from("<html>"),
  "/endless": () => Buffer.alloc(1 << 20),
});

const ask = (path: string, more: Partial<AskOptions> = {}) =>
  askAuthority(at(path), DATA, { client, policy: null, roots: [readCertificate(ROOT.certificate)], ...more });

describe("asking an authority", () => {
  test("gives a token of the data, under the policy that was asked for", async () => {
    expect((await ask("/")).timestamp).toMatchObject({ time: "2026-05-01T12:00:00.000Z", trusted: true });
    expect((await ask("/", { policy: "1.2.3.4.2" })).timestamp.policy).toBe("1.2.3.4.2");
    expect((await ask("/", { roots: null })).timestamp.trusted).toBe(false);
  });

  test.each([
    ["/nonce", "TIMESTAMP_OF_OTHER_REQUEST"],
    ["/other", "TIMESTAMP_OF_OTHER_DATA"],
    ["/refused", "TIMESTAMP_REFUSED"],
    ["/waiting", "TIMESTAMP_REFUSED"],
    ["/nothing", "TIMESTAMP_MALFORMED"],
    ["/cut", "TIMESTAMP_MALFORMED"],
    ["/page", "TIMESTAMP_MALFORMED"],
    ["/endless", "HTTP_BODY_WRONG"],
    ["/moved", "HTTP_REDIRECT_REFUSED"],
    ["/forbidden", "HTTP_FORBIDDEN"],
  ] as const)("is refused where it answers %s", async (path, code) => {
    const { file } = await refusal(ask(path), code);
    expect(file).toBe(at(path));
  });

  test("is refused under another policy, or one that is none, and says why the authority refused", async () => {
    await refusal(ask("/policy", { policy: "1.2.3.4.2" }), "TIMESTAMP_OF_OTHER_REQUEST");
    for (const policy of ["", "1", "1.2", "3.1.1", "1.40.1", "1.2.03", "x"])
      await refusal(ask("/", { policy }), "USAGE");
    expect((await refusal(ask("/refused"), "TIMESTAMP_REFUSED")).message).toMatch(/policy/);
  });
});

test("roots are read from PEM of many and DER of one, and nothing else", async () => {
  const directory = temporaryDirectory();
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const pem = (bytes: Uint8Array) =>
    `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes).toString("base64")}\n-----END CERTIFICATE-----\n`;
  expect(
    await readTrustedRoots(file("two.pem", `# two\n${pem(ROOT.certificate)}${pem(CLOCK.certificate)}`)),
  ).toHaveLength(2);
  expect(await readTrustedRoots(file("one.der", ROOT.certificate))).toHaveLength(1);
  await refusal(readTrustedRoots(file("cut.pem", pem(ROOT.certificate.subarray(9)))), "TIMESTAMP_ROOTS_UNUSABLE");
  await refusal(readTrustedRoots(file("text", "no certificate")), "TIMESTAMP_ROOTS_UNUSABLE");
  await refusal(readTrustedRoots(file("empty", "")), "TIMESTAMP_ROOTS_UNUSABLE");
});
