import { describe, expect, test } from "vitest";
import { parseAddress, shownAddress } from "../../../../src/bytes/http/address.ts";
import {
  type AddressClass,
  classifyAddress,
  classifyHost,
  mayLead,
  outermost,
} from "../../../../src/bytes/http/address-policy.ts";
import type { WeightmarkError } from "../../../../src/errors.ts";

describe("addresses that users type", () => {
  test.each([
    ["https://host/a?b=c#d", "https://host/a?b=c"],
    ["http://0x7f.1/a", "http://127.0.0.1/a"],
    ["http://2130706433", "http://127.0.0.1/"],
    ["http://127.1./", "http://127.0.0.1/"],
    ["https://[::FFFF:127.0.0.1]/", "https://[::ffff:7f00:1]/"],
    ["HTTPS://EXAMPLE.org:443/", "https://example.org/"],
  ])("%s is read as %s", (text, href) => {
    expect(parseAddress(text).href).toBe(href);
  });

  test.each([
    "",
    "host/path",
    "ftp://host/a",
    "file:///etc/passwd",
    "https://",
    "https://user@host/",
    "https://user:secret@host/",
    "https://:secret@host/",
    "http://1.2.3.4.5/",
    "https://host:99999/",
    `https://host/${"a".repeat(9000)}`,
  ])("%s is refused", (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: "HTTP_ADDRESS_INVALID" }));
  });

  test.each([
    ["https://[", /cannot be read/],
    ["HTTP://host:99999/", /cannot be read/],
    ["ftp://host/a", /no address of https or http/],
    ["host/path", /does not begin with https/],
  ])("of %s it is said what is wrong", (text, message) => {
    expect(() => parseAddress(text)).toThrow(message);
  });

  test("no refusal repeats the address, which may hold a password", () => {
    try {
      parseAddress("https://user:secret@host/");
      expect.unreachable();
    } catch (error) {
      const { message, detail, file } = error as WeightmarkError;
      expect(`${message} ${detail} ${file}`).not.toContain("secret");
    }
  });

  test("shown without what may be secret", () => {
    expect(shownAddress(new URL("https://user:secret@host:8/a/b?Signature=c#d"))).toBe("https://host:8/a/b");
  });
});

describe("classes", () => {
  const CLASSES: Record<AddressClass, string[]> = {
    public: [
      "1.1.1.1",
      "11.0.0.1",
      "100.63.255.255",
      "100.128.0.0",
      "172.15.255.255",
      "172.32.0.0",
      "192.167.1.1",
      "223.255.255.255",
      "2606:4700::1111",
      "::ffff:1.1.1.1",
      "64:ff9b::101:101",
      "2002:101:101::1",
    ],
    private: [
      "10.0.0.1",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "100.64.0.1",
      "198.18.0.1",
      "fc00::1",
      "fdff::1",
      "fec0::1",
      "::ffff:10.0.0.1",
      "::ffff:a00:1",
      "::ffff:0:10.0.0.1",
      "64:ff9b::a00:1",
      "2002:a00:1::1",
      "::192.168.0.1",
    ],
    loopback: ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "64:ff9b::7f00:1"],
    forbidden: [
      "0.0.0.0",
      "0.1.2.3",
      "::",
      "169.254.169.254",
      "169.254.0.1",
      "fe80::1",
      "fe80::1%eth0",
      "febf::1",
      "::ffff:169.254.169.254",
      "64:ff9b::a9fe:a9fe",
      "2002:a9fe:a9fe::",
      "fd00:ec2::254",
      "100.100.100.200",
      "168.63.129.16",
      "192.0.0.192",
      "224.0.0.1",
      "255.255.255.255",
      "ff02::1",
      "64:ff9b:1::1",
      "2001:0:1::1",
      "localhost",
      "",
    ],
  };
  test.each(Object.entries(CLASSES).flatMap(([is, all]) => all.map((address) => [address, is])))(
    "%s is %s",
    (a, is) => {
      expect(classifyAddress(a)).toBe(is);
    },
  );

  test.each([
    ["localhost", "loopback"],
    ["LOCALHOST.", "loopback"],
    ["a.localhost", "loopback"],
    ["[::1]", "loopback"],
    ["10.0.0.1", "private"],
    ["metadata.google.internal", "forbidden"],
    ["example.org", null],
    ["localhost.example.org", null],
  ])("the host %s is %s", (host, is) => {
    expect(classifyHost(host)).toBe(is);
  });

  test("one leads outward or across, and nowhere that is forbidden", () => {
    const all = ["public", "private", "loopback", "forbidden"] as const;
    const allowed = all.flatMap((from) => all.filter((to) => mayLead(from, to)).map((to) => `${from} ${to}`));
    expect(allowed).toEqual([
      "public public",
      "private public",
      "private private",
      "loopback public",
      "loopback private",
      "loopback loopback",
      "forbidden public",
      "forbidden private",
      "forbidden loopback",
    ]);
    expect(outermost(["loopback", "public", "private"])).toBe("public");
    expect(outermost([])).toBe("forbidden");
  });
});
