import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WeightmarkError } from "../../../src/errors.ts";
import { driverUrl, parseConnectionUrl, redactUrl } from "../../../src/registry/postgres/connection-url.ts";
import { decodeId, encodeId, idKey, jobId } from "../../../src/scan/postgres/target-id.ts";

/** Any sequence of UTF-16 code units, whole characters or not. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd7f0, max: 0xe010 }), fc.nat(1)), { maxLength: 6 })
  .map((units) => String.fromCharCode(...units));

describe("ids of targets", () => {
  it("come back as they were, whatever they are made of", () => {
    fc.assert(fc.property(anyText, (id) => decodeId(encodeId(id)) === id));
  });

  it("have bytes in the order of their code units", () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const expected = a < b ? -1 : a > b ? 1 : 0;
        expect(Math.sign(Buffer.compare(encodeId(a), encodeId(b)))).toBe(expected);
      }),
    );
  });

  it("have keys and job ids of their own", () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        fc.pre(a !== b);
        expect(idKey(a)).not.toEqual(idKey(b));
        expect(jobId("s", a)).not.toBe(jobId("s", b));
        expect(jobId("s", a)).not.toBe(jobId("t", a));
        expect(jobId("s", a)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      }),
    );
  });
});

describe("passwords", () => {
  const secret = fc.string({ unit: fc.constantFrom(..."aZ0 :/?#[]@%&=\\.é+") }).map((text) => `s3cret${text}s3cret`);

  it("are not shown, escaped as they should be or not", () => {
    fc.assert(
      fc.property(secret, fc.constantFrom("", "1/", "1?", "1#", "a@"), fc.boolean(), (password, before, isEscaped) => {
        const url = `postgres://user:${before}${isEscaped ? encodeURIComponent(password) : password}@host:5432/base`;
        expect(redactUrl(url)).not.toContain("s3cret");
        try {
          expect(parseConnectionUrl(url, {}).shown).not.toContain("s3cret");
        } catch (error) {
          const { message, detail, file } = error as WeightmarkError;
          expect([message, detail, file].join()).not.toContain("s3cret");
        }
      }),
    );
  });

  it("reach the driver as they were typed", () => {
    fc.assert(
      fc.property(secret, (password) => {
        const url = parseConnectionUrl(`postgres://user:${encodeURIComponent(password)}@host/base`, {});
        expect(decodeURIComponent(new URL(driverUrl(url, "require")).password)).toBe(password);
      }),
    );
  });
});
