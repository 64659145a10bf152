import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { artifactUri, locationUri } from "../../../src/report/scan/location-uri.ts";
import { COMMIT, isAcceptable } from "../../support/scan-export.ts";

describe("locations as URIs", () => {
  it.each([
    ["models/base a", "models/base%20a"],
    ["./models/x", "models/x"],
    ["a:b/c#d?e%f", "a%3Ab/c%23d%3Fe%25f"],
    ["/data/模型", "file:///data/%E6%A8%A1%E5%9E%8B"],
    ["//server/x", "file:////server/x"],
    [".", "."],
    ["javascript:alert(1)", "javascript%3Aalert(1)"],
    [`hf:acme/tuned@${COMMIT}`, `hf:acme/tuned@${COMMIT}`],
    ["hf:acme/x@refs/pr/1#?", "hf:acme/x@refs/pr/1%23%3F"],
    ["https://user:secret@example.org/m.safetensors?sig=secret#x", "https://example.org/m.safetensors"],
    ["https://[", "https%3A//%5B"],
    ["a\ud800b", "a%EF%BF%BDb"],
    ["/mod\udce9le/\udcff", "file:///mod%E9le/%FF"],
    ["https://h/a|b[c]^%zz%20%2f", "https://h/a%7Cb%5Bc%5D%5E%25zz%20%2f"],
  ])("%s is %s", (location, uri) => {
    expect(locationUri(location)).toBe(uri);
  });
});

const leadsUp = (uri: string) => uri.split("/").includes("..");

describe("locations as artifacts of a checkout", () => {
  const base = { endpoint: "https://huggingface.co", root: "/srv/checkout" };

  // Paths of the other kind of system are other paths.
  it.skipIf(process.platform === "win32").each([
    ["models/base a", "models/base%20a"],
    ["./models/x", "models/x"],
    [".", "."],
    ["a:b/c#d?e%f", "a%3Ab/c%23d%3Fe%25f"],
    ["C:\\models", "C%3A%5Cmodels"],
    ["/srv/checkout/models/模", "models/%E6%A8%A1"],
    ["/srv/checkout", "."],
    ["/srv/checkout-2/x", "file:///srv/checkout-2/x"],
    ["/data/x", "file:///data/x"],
    ["../x", "file:///srv/x"],
    ["..x", "..x"],
    ["a/../b", "b"],
    [`hf:acme/tuned@${COMMIT}`, `huggingface.co/acme/tuned/${COMMIT}`],
    [`hf:acme/tuned@${COMMIT}/unet/a b`, `huggingface.co/acme/tuned/${COMMIT}/unet/a%20b`],
    ["hf:acme/x@refs/pr/1#?", "huggingface.co/acme/x/refs/pr/1%23%3F"],
    ["hf:../../etc", "huggingface.co/etc"],
    ["https://user:secret@example.org:8443/a:b/m.safetensors?sig=secret#x", "example.org%3A8443/a:b/m.safetensors"],
    ["http://[::1]:80/m", "%5B%3A%3A1%5D/m"],
    ["https://[", "https%3A//%5B"],
    ["https://../a/b", "a/b"],
  ])("%s is %s (paths of Windows are others)", (location, uri) => {
    expect(artifactUri(location, base)).toBe(uri);
    expect(isAcceptable(uri)).toBe(true);
  });

  it("name the Hub that is meant, without what its address may hold besides", () => {
    const at = (endpoint: string) => artifactUri("hf:acme/x", { endpoint, root: null });
    expect(at("http://127.0.0.1:8080")).toBe("127.0.0.1%3A8080/acme/x");
    expect(at("https://u:secret@hub.corp/hf")).toBe("hub.corp/hf/acme/x");
  });

  it("complete no path where paths are to be hidden", () => {
    const hidden = { ...base, root: null };
    expect(artifactUri("models/x", hidden)).toBe("models/x");
    expect(artifactUri("../../x", hidden)).toBe("x");
    expect(artifactUri("..", hidden)).toBe(".");
  });

  it.skipIf(process.platform === "win32")(
    "lead out of no directory where paths are to be hidden (paths of Windows are others)",
    () => {
      const at = (location: string) => artifactUri(location, { ...base, root: null });
      expect(at("a/../../b")).toBe("b");
      expect(at("a/b/../../../..")).toBe(".");
      expect(at("..//etc/passwd")).toBe("etc/passwd");
      expect(at("./..//..//x")).toBe("x");
      expect(at("https://[/../../../x")).toBe("x");
      expect(at("/data/x")).toBe("file:///data/x");
    },
  );

  it("hold nothing secret of an address that cannot be read", () => {
    for (const location of [
      "https://user:secret@[/m?sig=secret#secret",
      "http://user:secret@host:99999/m?sig=secret",
      "s3://user:secret@bucket/m?sig=secret",
    ]) {
      expect(locationUri(location)).not.toContain("secret");
      for (const root of [null, base.root]) expect(artifactUri(location, { ...base, root })).not.toContain("secret");
    }
  });

  it("hold no bytes that are no text", () => {
    expect(artifactUri("https://example.org/%aa%41", base)).toBe("example.org/%25aa%2541");
    expect(artifactUri("https://example.org/%c3%a9%41", base)).toBe("example.org/%c3%a9%41");
  });

  it("are taken by GitHub whatever a publisher or a server calls a model", () => {
    const text = fc.string({
      unit: fc.constantFrom(...'aZ0 .:/\\%#?@[]|^{}<>"`~\u0000\u202e\ud800é', "..", "%41", "%zz"),
    });
    const location = fc.oneof(
      text,
      text.map((name) => `/srv/checkout/${name}`),
      text.map((name) => `hf:${name}`),
      text.map((name) => `https://example.org:81/${name}`),
    );
    fc.assert(
      fc.property(location, fc.constantFrom("/srv/checkout", null), (each, root) => {
        const uri = artifactUri(each, { ...base, root });
        expect([uri, isAcceptable(uri)]).toEqual([uri, true]);
        if (root !== null) expect(leadsUp(uri)).toBe(false);
        expect(() => decodeURIComponent(uri)).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});
