import { posix } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { WeightmarkError } from "../../src/errors.ts";
import { decodeBase64 } from "../../src/signing/base64.ts";
import { readBundle, writeBundle } from "../../src/signing/bundle.ts";
import { HASH_NAMES, type Manifest, type Resource, resourceName, rootDigest } from "../../src/signing/manifest.ts";
import { ignorePathOf, isCanonicalPath, parseShardName } from "../../src/signing/resource-name.ts";
import { sortResources } from "../../src/signing/resources.ts";
import { readStatement, writeStatement } from "../../src/signing/statement.ts";
import { parseStrictJson } from "../../src/signing/strict-json.ts";

const part = fc.oneof(
  fc.constantFrom("a", "a.b", "a-b", "..a", ".git", "__proto__", "constructor", "x:0:5", "\u{1f600}", "\uffee", " "),
  fc.string({ unit: "binary", minLength: 1, maxLength: 8 }),
);
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const canonical = path.filter(isCanonicalPath);

describe("paths", () => {
  test.prop([path])("are canonical where nothing is left to normalise", (name) => {
    const isPlain =
      !name.includes("\0") && !/\p{Surrogate}/u.test(name) && !/^(?:\.?|\/.*|\.\.(?:\/.*)?|.*\/)$/s.test(name);
    expect(isCanonicalPath(name)).toBe(isPlain && posix.normalize(name) === name);
  });

  test.prop([path])("that are left out stay inside, and are the same when they are read again", (typed) => {
    const found = ignorePathOf(typed);
    if (found === null) return;
    expect(isCanonicalPath(found)).toBe(true);
    expect(ignorePathOf(found)).toBe(found);
    expect(posix.normalize(`/root/${typed}`).replace(/\/$/, "")).toBe(`/root/${found}`);
  });

  test.prop([canonical, fc.nat(1e15), fc.integer({ min: 1, max: 1e6 })])(
    "of shards come back",
    (name, start, bytes) => {
      const range: [number, number] = [start, start + bytes];
      expect(parseShardName(resourceName({ path: name, range, digest: "" }))).toEqual({ path: name, range });
    },
  );

  test.prop([fc.array(canonical, { maxLength: 12 })])(
    "sort as their UTF-8 does, in any order that they come",
    (names) => {
      const resources = names.map((name): Resource => ({ path: name, range: null, digest: "" }));
      const sorted = sortResources(resources).map((resource) => Buffer.from(resource.path).toString("hex"));
      expect(sorted).toEqual(names.map((name) => Buffer.from(name).toString("hex")).sort());
      expect(sortResources([...resources].reverse())).toEqual(sortResources(resources));
    },
  );
});

const hexOf = (digits: number) =>
  fc.uint8Array({ minLength: digits / 2, maxLength: digits / 2 }).map((bytes) => Buffer.from(bytes).toString("hex"));
const manifest: fc.Arbitrary<Manifest> = fc
  .record({
    name: fc.string({ unit: "binary", minLength: 1 }).filter((text) => !/\p{Surrogate}/u.test(text)),
    hash: fc.constantFrom(...HASH_NAMES),
    allowSymlinks: fc.boolean(),
    ignorePaths: fc.array(canonical, { maxLength: 3 }),
    paths: fc.uniqueArray(canonical, { minLength: 1, maxLength: 8 }),
    shardSize: fc.option(fc.integer({ min: 1, max: 2 ** 40 })),
    digests: fc.array(hexOf(128), { minLength: 8, maxLength: 8 }),
  })
  .map(({ name, hash, allowSymlinks, ignorePaths, paths, shardSize, digests }) => ({
    name,
    serialization: { hash, shardSize, allowSymlinks, ignorePaths },
    resources: sortResources(
      paths.map(
        (each, i): Resource => ({
          path: each,
          range: shardSize === null ? null : [0, shardSize],
          digest: digests[i]!.slice(0, hash === "blake2b" ? 128 : 64),
        }),
      ),
    ),
  }));

describe("statements", () => {
  test.prop([manifest])("come back as they were written, and the same bytes each time", (what) => {
    const bytes = writeStatement(what);
    expect(readStatement(bytes, "x")).toEqual(what);
    expect(writeStatement(readStatement(bytes, "x"))).toEqual(bytes);
  });

  test.prop([manifest])("have a root digest that every digest and their order take part in", ({ resources }) => {
    const root = rootDigest(resources);
    const changed = resources.map((one, i) =>
      i === 0 ? { ...one, digest: one.digest.replace(/^./, (c) => (c === "0" ? "1" : "0")) } : one,
    );
    expect(rootDigest(changed)).not.toBe(root);
    expect(root).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("bundles", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 60 });
  test.prop([fc.string(), bytes, bytes])("come back as they were written", (hint, payload, signature) => {
    const { material, ...rest } = readBundle(writeBundle({ kind: "key", hint }, payload, signature), "x");
    expect(material).toEqual({ kind: "key", hint });
    expect([Buffer.from(rest.payload), Buffer.from(rest.signature)]).toEqual([
      Buffer.from(payload),
      Buffer.from(signature),
    ]);
  });

  test.prop([bytes, fc.nat(), fc.nat(255), fc.nat(3)])(
    "that are damaged are refused, and nothing else happens",
    (payload, at, byte, cut) => {
      const damaged = Buffer.from(writeBundle({ kind: "certificate", certificates: [payload] }, payload, payload));
      damaged[at % damaged.length] = byte;
      try {
        readBundle(cut === 0 ? damaged.subarray(0, at % damaged.length) : damaged, "x");
      } catch (error) {
        expect(error).toBeInstanceOf(WeightmarkError);
        expect((error as WeightmarkError).code).toMatch(/^SIGNATURE_(?:MALFORMED|UNSUPPORTED)$/);
      }
    },
  );

  test.prop([fc.json({ maxDepth: 6 })])("are read as JSON is, whatever it is", (text) => {
    const parsed: unknown = JSON.parse(text);
    const isPlain = !/"__proto__"|\\u[dD][89a-fA-F]/.test(text);
    fc.pre(isPlain && !/\p{Surrogate}/u.test(text));
    const read = parseStrictJson(Buffer.from(text), (why) => new Error(why));
    expect(JSON.stringify(read)).toBe(JSON.stringify(parsed));
  });

  test.prop([fc.uint8Array(), fc.string({ minLength: 1 })])(
    "have base64 of both alphabets, and nothing else",
    (data, junk) => {
      const standard = Buffer.from(data).toString("base64");
      for (const text of [standard, standard.replace(/=+$/, ""), Buffer.from(data).toString("base64url")]) {
        expect(decodeBase64(text)).toEqual(Buffer.from(data));
      }
      if (/[^A-Za-z0-9+/=_-]/.test(junk)) expect(decodeBase64(standard + junk)).toBeNull();
    },
  );
});
