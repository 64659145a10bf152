import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { readCertificate } from "../../../src/timestamps/certificate.ts";
import { derInteger, derOf, derOid, derSequence } from "../../../src/timestamps/der-writer.ts";
import { verifyTimestamp } from "../../../src/timestamps/verify-timestamp.ts";
import { refusal } from "../../support/refusal.ts";
import {
  type CertificateOptions,
  certify,
  type Holder,
  PSS,
  stampToken,
  type TokenOptions,
  timeAuthority,
} from "../../support/time-authority.ts";

const DATA = new TextEncoder().encode("committed");
const ROOT = certify();
const CLOCK = timeAuthority(ROOT);

function verified(token: Uint8Array, roots: readonly Holder[] | null = [ROOT], data = DATA) {
  const trusted = roots === null ? null : roots.map(({ certificate }) => readCertificate(certificate));
  return verifyTimestamp(token, { data, roots: trusted, file: "token" });
}

const refused = (code: Parameters<typeof refusal>[1], token: Uint8Array, roots?: readonly Holder[] | null) =>
  refusal(
    Promise.resolve().then(() => verified(token, roots)),
    code,
  );

describe("a time stamp", () => {
  test("says when, by whom and under which policy", () => {
    expect(verified(stampToken(DATA, CLOCK))).toEqual({
      time: "2026-05-01T12:00:00.000Z",
      latest: "2026-05-01T12:00:00.000Z",
      authority: "clock",
      policy: "1.2.3.4.1",
      serial: "5",
      trusted: true,
    });
  });

  test("may be as late as its accuracy allows, rounded up", () => {
    const parts = [derInteger(2n), derOf(0x80, Uint8Array.of(3)), derOf(0x81, Uint8Array.of(4))];
    const token = stampToken(DATA, CLOCK, { accuracy: derSequence(...parts), time: "20260501120000.25Z" });
    expect(verified(token)).toMatchObject({ time: "2026-05-01T12:00:00.250Z", latest: "2026-05-01T12:00:02.254Z" });
  });

  test("is trusted only where roots were given", async () => {
    expect(verified(stampToken(DATA, CLOCK), null)).toMatchObject({ trusted: false });
    await refused("TIMESTAMP_UNTRUSTED", stampToken(DATA, CLOCK), []);
    await refused("TIMESTAMP_UNTRUSTED", stampToken(DATA, CLOCK), [certify({ name: "root" })]);
    expect(verified(stampToken(DATA, CLOCK), [CLOCK])).toMatchObject({ trusted: true });
  });

  test.each(["rsa", "pss", "ec"] as const)(
    "is signed with %s, by an authority below the root or right below it",
    (kind) => {
      const between = certify({ name: "between", kind, by: ROOT, pathLength: 0n });
      const clock = timeAuthority(between, { kind });
      const certificates = [clock.certificate, between.certificate];
      expect(verified(stampToken(DATA, clock, { certificates }))).toMatchObject({ trusted: true });
    },
  );
});

describe("a time stamp is refused", () => {
  test.each<[string, Parameters<typeof refusal>[1], TokenOptions]>([
    ["other data", "TIMESTAMP_OF_OTHER_DATA", { imprint: new Uint8Array(32) }],
    ["SHA-1 for its imprint", "TIMESTAMP_ALGORITHM", { digestOid: "1.3.14.3.2.26", imprint: new Uint8Array(20) }],
    ["a signature of something else", "TIMESTAMP_FORGED", { signature: () => new Uint8Array(70) }],
    ["another certificate in the signed attributes", "TIMESTAMP_FORGED", { named: ROOT.certificate }],
    ["no certificate", "TIMESTAMP_UNTRUSTED", { certificates: [] }],
    ["another's certificate", "TIMESTAMP_UNTRUSTED", { certificates: [ROOT.certificate] }],
    ["no digest in the signed attributes", "TIMESTAMP_MALFORMED", { without: ["1.2.840.113549.1.9.4"] }],
    ["no type in the signed attributes", "TIMESTAMP_MALFORMED", { without: ["1.2.840.113549.1.9.3"] }],
    ["no certificate in the signed attributes", "TIMESTAMP_MALFORMED", { without: ["1.2.840.113549.1.9.16.2.47"] }],
    ["an unknown signature", "TIMESTAMP_ALGORITHM", { algorithm: derSequence(derOid("1.3.101.112")!) }],
    ["RSA's name over a curve's signature", "TIMESTAMP_FORGED", { algorithm: PSS }],
    ["the thirtieth of February", "TIMESTAMP_MALFORMED", { time: "20260230120000Z" }],
    ["a time without its zone", "TIMESTAMP_MALFORMED", { time: "20260501120000" }],
    ["a fraction that ends in zero", "TIMESTAMP_MALFORMED", { time: "20260501120000.50Z" }],
    ["a negative accuracy", "TIMESTAMP_MALFORMED", { accuracy: derSequence(derOf(2, Uint8Array.of(0xff))) }],
    [
      "an extension that has to be understood",
      "TIMESTAMP_MALFORMED",
      { extension: derSequence(derOid("1.2.3.4")!, derOf(1, Uint8Array.of(0xff)), derOf(4)) },
    ],
  ])("with %s", async (_, code, options) => {
    await refused(code, stampToken(DATA, CLOCK, options));
  });

  test.each<[string, Parameters<typeof refusal>[1], CertificateOptions]>([
    ["was expired", "TIMESTAMP_CERTIFICATE_EXPIRED", { until: "20260501115959Z" }],
    ["was not valid yet", "TIMESTAMP_CERTIFICATE_NOT_YET_VALID", { from: "20260501120001Z" }],
    ["is for something else", "TIMESTAMP_UNTRUSTED", { purposes: ["1.3.6.1.5.5.7.3.3"] }],
    ["is for something else too", "TIMESTAMP_UNTRUSTED", { purposes: ["1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.3"] }],
    ["is for anything", "TIMESTAMP_UNTRUSTED", { purposes: ["2.5.29.37.0"] }],
    ["does not insist on its purpose", "TIMESTAMP_UNTRUSTED", { purposesCritical: false }],
    ["may not sign", "TIMESTAMP_UNTRUSTED", { usage: 0x20 }],
    ["has an extension that has to be understood", "TIMESTAMP_UNTRUSTED", { unknownCritical: true }],
    ["was signed by nobody", "TIMESTAMP_UNTRUSTED", { signature: new Uint8Array(70) }],
  ])("whose certificate %s", async (_, code, options) => {
    await refused(code, stampToken(DATA, timeAuthority(ROOT, options)));
  });

  test("whose certificate says nothing of dates only until it is looked at: no roots, and expired", async () => {
    await refused("TIMESTAMP_CERTIFICATE_EXPIRED", stampToken(DATA, CLOCK, { time: "20360101000000Z" }), null);
    await refused("TIMESTAMP_CERTIFICATE_EXPIRED", stampToken(DATA, CLOCK, { time: "20360101000000Z" }));
  });

  test.each<[string, Parameters<typeof refusal>[1], CertificateOptions]>([
    ["is no authority", "TIMESTAMP_UNTRUSTED", { isAuthority: false, purposes: [], usage: 0x04 }],
    ["may not certify", "TIMESTAMP_UNTRUSTED", { usage: 0x80 }],
    ["is for servers alone", "TIMESTAMP_UNTRUSTED", { purposes: ["1.3.6.1.5.5.7.3.1"] }],
    ["was expired", "TIMESTAMP_CERTIFICATE_EXPIRED", { until: "20260501115959Z" }],
    ["was not valid yet", "TIMESTAMP_CERTIFICATE_NOT_YET_VALID", { from: "20260501120001Z" }],
  ])("with one between that %s", async (_, code, options) => {
    const between = certify({ name: "between", by: ROOT, ...options });
    const clock = timeAuthority(between);
    await refused(code, stampToken(DATA, clock, { certificates: [clock.certificate, between.certificate] }));
  });

  test("with more authorities below one than it allows, or in a circle", async () => {
    const upper = certify({ name: "upper", by: ROOT, pathLength: 0n });
    const lower = certify({ name: "lower", by: upper });
    const clock = timeAuthority(lower);
    const certificates = [clock, lower, upper].map(({ certificate }) => certificate);
    await refused("TIMESTAMP_UNTRUSTED", stampToken(DATA, clock, { certificates }));
    const own = certify({ name: "own" });
    const under = timeAuthority(own);
    const circle = [under.certificate, own.certificate];
    const { message } = await refused("TIMESTAMP_UNTRUSTED", stampToken(DATA, under, { certificates: circle }));
    expect(message).toBe('no root that was given signed "own", or an authority above it');
  });

  test("whose root was expired", async () => {
    const root = certify({ until: "20260401000000Z" });
    await refused("TIMESTAMP_CERTIFICATE_EXPIRED", stampToken(DATA, timeAuthority(root)), [root]);
  });
});

describe("hostile tokens", () => {
  const good = stampToken(DATA, CLOCK);

  propertyTest.prop([fc.integer({ min: 0, max: good.length - 1 })])(
    "cut anywhere are refused as such",
    async (length) => {
      await refused("TIMESTAMP_MALFORMED", good.subarray(0, length));
    },
  );

  propertyTest.prop([fc.integer({ min: 0, max: 8 * good.length - 1 })])(
    "with any bit turned say the same or are refused by a code of time stamps",
    (bit) => {
      const turned = Uint8Array.from(good);
      turned[bit >> 3]! ^= 1 << (bit & 7);
      try {
        expect(verified(turned)).toEqual(verified(good));
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/^TIMESTAMP_/);
      }
    },
  );

  propertyTest.prop([fc.uint8Array({ maxLength: 400 })])("of any bytes are refused", async (bytes) => {
    await refused("TIMESTAMP_MALFORMED", bytes);
  });

  test("that nest or repeat without end cost nothing", async () => {
    const nested = Buffer.alloc(200_000, 0x30);
    await refused("TIMESTAMP_MALFORMED", nested);
    await refused("TIMESTAMP_MALFORMED", Buffer.alloc((1 << 18) + 1, 0x30));
    await refused("TIMESTAMP_MALFORMED", derSequence(Buffer.alloc(100_000)));
    await refused("TIMESTAMP_MALFORMED", Buffer.concat([good, Uint8Array.of(0)]));
    await refused("TIMESTAMP_MALFORMED", stampToken(DATA, CLOCK, { certificates: Array(17).fill(CLOCK.certificate) }));
  });
});
