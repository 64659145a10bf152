import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serializeFingerprint } from "../../src/fingerprint/file.ts";
import { layerCodes } from "../../src/fingerprint/layer-codes.ts";
import { digestOf } from "../../src/registry/digest.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { rankBases } from "../../src/registry/registry-index.ts";
import { signModel } from "../../src/signing/index.ts";
import { keyPair } from "./certificates.ts";
import { randomFingerprint } from "./random-fingerprint.ts";
import { refusal } from "./refusal.ts";
import { signerOf, trustOf } from "./signed-model.ts";

export interface RegistryEngine {
  /** A new, empty registry; its clock says 2026-01-02T03:04:05.000Z. */
  create(): Promise<Registry>;
  /** The same stored registry, opened again. */
  reopen(registry: Registry): Promise<Registry>;
  /** Where the contract may put archives. */
  readonly directory: string;
}

const a = randomFingerprint({ seed: 1 });
const b = randomFingerprint({ seed: 2 });
const wide = randomFingerprint({ seed: 3, cols: 96 });
const digestA = digestOf(serializeFingerprint(a));

async function archiveOf(registry: Registry): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of registry.exportArchive()) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What every registry does, whatever keeps it. */
export function registryContract(name: string, engine: RegistryEngine): void {
  let files = 0;
  const save = (bytes: Uint8Array | string) => {
    const path = join(engine.directory, `archive-${files++}.jsonl`);
    writeFileSync(path, bytes);
    return path;
  };

  describe(`${name}: adding`, () => {
    it("keeps what was added, for the next one who opens it", async () => {
      const registry = await engine.create();
      const { status, entry } = await registry.add(a, { name: "base a", root: true });
      expect(status).toBe("added");
      expect(entry).toMatchObject({ digest: digestA, name: "base a", root: true, family: "llama", depth: "sampled" });
      expect(entry.addedAt).toBe("2026-01-02T03:04:05.000Z");
      const again = await engine.reopen(registry);
      expect(again.list()).toEqual([entry]);
      expect(again.entries).toBe(1);
      expect(again.updatedAt).toBe("2026-01-02T03:04:05.000Z");
      expect(serializeFingerprint(await again.load(digestA))).toEqual(serializeFingerprint(a));
      expect(await again.read(digestA)).toEqual(serializeFingerprint(a));
    });

    it("is idempotent for the same weights under the same name", async () => {
      const registry = await engine.create();
      await registry.add(a, { name: "a", root: true });
      const { generation } = registry;
      expect((await registry.add(a, { name: "a" })).status).toBe("unchanged");
      expect((await registry.add(a, { name: "a", root: true })).status).toBe("unchanged");
      expect(registry.generation).toBe(generation);
      expect(registry.list()).toMatchObject([{ name: "a", root: true }]);
    });

    it.each([
      ["another model under a name", { name: "a" }, b],
      ["another name for the same weights", { name: "z" }, a],
      ["another root flag", { name: "a", root: true }, a],
    ])("refuses %s, and does it with `replace`", async (_, options, fingerprint) => {
      const registry = await engine.create();
      await registry.add(a, { name: "a" });
      await expect(registry.add(fingerprint, options)).rejects.toMatchObject({ code: "REGISTRY_CONFLICT" });
      expect(registry.list()).toMatchObject([{ digest: digestA, name: "a", root: false }]);
      expect((await registry.add(fingerprint, { ...options, replace: true })).status).toBe("replaced");
      expect((await engine.reopen(registry)).list()).toMatchObject([options]);
    });

    it("moves a name from one entry to another in one change", async () => {
      const registry = await engine.create();
      await registry.add(a, { name: "a" });
      await registry.add(b, { name: "b" });
      await registry.add(a, { name: "b", replace: true });
      expect((await engine.reopen(registry)).list()).toMatchObject([{ digest: digestA, name: "b" }]);
    });

    it.each([
      ["empty", ""],
      ["blank", " \t"],
      ["endless", "x".repeat(513)],
      ["not Unicode", "a\ud800"],
      ["a digest", "0".repeat(64)],
    ])("refuses a name that is %s", async (_, invalid) => {
      const registry = await engine.create();
      await expect(registry.add(a, { name: invalid })).rejects.toMatchObject({ code: "REGISTRY_NAME_INVALID" });
      expect(registry.entries).toBe(0);
    });

    it.each(["../../etc/passwd", "__proto__", "a/b\\c:d", "\u001b[2J\r\nx", "constructor", "\u202egpj.exe", "%2e%2e"])(
      "takes the name %j for what it is: text",
      async (hostile) => {
        const registry = await engine.create();
        const { entry } = await registry.add(a, { name: hostile });
        const again = await engine.reopen(registry);
        expect(again.find(hostile)).toEqual(entry);
        expect(serializeFingerprint(await again.load(entry.digest))).toEqual(serializeFingerprint(a));
      },
    );

    it("stores what two add at the same time", async () => {
      const one = await engine.create();
      await one.add(wide, { name: "wide" });
      const two = await engine.reopen(one);
      await Promise.all([one.add(a, { name: "a" }), two.add(b, { name: "b" })]);
      expect((await engine.reopen(one)).list().map(({ name }) => name)).toEqual(["a", "b", "wide"]);
    });
  });

  describe(`${name}: parts`, () => {
    const [of, other] = ["ab".repeat(32), "cd".repeat(32)];
    const parts = [
      { component: "vision\u0000\u001b.layers", of },
      { component: "__proto__", of: other },
    ];
    const sorted = [parts[1]!, parts[0]!];

    it("keeps which components come from elsewhere, by component, and tells the candidates", async () => {
      const registry = await engine.create();
      const { entry } = await registry.add(a, { name: "a", root: true, parts });
      await registry.add(b, { name: "b" });
      expect(entry.parts).toEqual(sorted);
      for (const source of [registry, await engine.reopen(registry)]) {
        expect(source.list().map((each) => each.parts)).toEqual([sorted, []]);
        const found = await source.candidates(layerCodes(a), 2);
        expect(found.map((each) => [each.name, each.parts])).toEqual([
          ["a", sorted],
          ["b", []],
        ]);
        const index = structuredClone(await source.index());
        expect(rankBases(index, layerCodes(a), 1)[0]!.parts).toEqual(sorted);
        expect(index.registry.digest).toBe(source.digest);
      }
    });

    it("adds parts to an entry without `replace`, drops none, and lets none move", async () => {
      const registry = await engine.create();
      await registry.add(a, { name: "a" });
      const before = registry.digest;
      expect((await registry.add(a, { name: "a", parts: [parts[0]!] })).status).toBe("replaced");
      expect(registry.digest).not.toBe(before);
      expect((await registry.add(a, { name: "a" })).status).toBe("unchanged");
      expect((await registry.add(a, { name: "a", parts: [parts[1]!] })).entry.parts).toEqual(sorted);
      const moved = [{ ...parts[0]!, of: other }];
      await expect(registry.add(a, { name: "a", parts: moved })).rejects.toMatchObject({ code: "REGISTRY_CONFLICT" });
      const replaced = await registry.add(a, { name: "a", parts: moved, replace: true });
      expect(replaced.entry.parts).toEqual([parts[1]!, ...moved]);
      expect((await engine.reopen(registry)).find("a")).toEqual(replaced.entry);
    });

    it("takes no part that it could not read again", async () => {
      const registry = await engine.create();
      const wrong = [{ component: "c", of: "../../x" }];
      await expect(registry.add(a, { name: "a", parts: wrong })).rejects.toMatchObject({ code: "USAGE" });
      expect((await engine.reopen(registry)).entries).toBe(0);
    });

    it("forgets the parts of another model under the same name", async () => {
      const registry = await engine.create();
      await registry.add(a, { name: "a", parts });
      expect((await registry.add(b, { name: "a", replace: true })).entry.parts).toEqual([]);
    });

    it("travels in archives, and those without parts are as before", async () => {
      const from = await engine.create();
      await from.add(b, { name: "b" });
      expect((await archiveOf(from)).toString("utf8")).not.toContain("parts");
      await from.add(a, { name: "a", parts });
      const archive = (await archiveOf(from)).toString("utf8");
      const to = await engine.create();
      await to.importArchive(save(archive));
      expect((await engine.reopen(to)).list()).toEqual(from.list());
      expect(to.digest).toBe(from.digest);
      for (const wrong of ['"parts":[{"component":1,"of":', '"parts":{"x":', '"parts":[{"component":"a","of":"../']) {
        const broken = archive.replace(/"parts":\[\{"component":"__proto__","of":/, wrong);
        expect(broken).not.toBe(archive);
        await expect(to.importArchive(save(broken))).rejects.toMatchObject({ code: "ARCHIVE_MALFORMED" });
      }
      await expect(
        to.importArchive(save(archive.replace(/("parts":)\[(.*?),(\{.*?\})\]/, "$1[$3,$2]"))),
      ).rejects.toMatchObject({ code: "ARCHIVE_MALFORMED" });
    });
  });

  describe(`${name}: finding and removing`, () => {
    it("finds by name, by digest and by a unique beginning of it", async () => {
      const registry = await engine.create();
      await registry.add(a, { name: "a" });
      for (const key of ["a", digestA, digestA.slice(0, 8)]) expect(registry.find(key).name).toBe("a");
      for (const key of ["b", digestA.slice(0, 7), "A", ""]) {
        expect(() => registry.find(key)).toThrow(expect.objectContaining({ code: "REGISTRY_ENTRY_UNKNOWN" }));
      }
    });

    it("can be told to stop, and has changed nothing then", async () => {
      const from = await engine.create();
      await from.add(a, { name: "a" });
      const to = await engine.create();
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      await expect(to.importArchive(save(await archiveOf(from)), { signal })).rejects.toBe(reason);
      expect((await engine.reopen(to)).list()).toEqual([]);
      await expect(from.verify({ signal })).rejects.toBe(reason);
    });

    it("removes, and forgets", async () => {
      const registry = await engine.create();
      await registry.add(a, { name: "a" });
      await registry.add(b, { name: "b" });
      expect((await registry.remove("a")).digest).toBe(digestA);
      const again = await engine.reopen(registry);
      expect(again.list()).toMatchObject([{ name: "b" }]);
      await expect(again.load(digestA)).rejects.toMatchObject({ code: "REGISTRY_ENTRY_UNKNOWN" });
      await expect(again.remove("a")).rejects.toMatchObject({ code: "REGISTRY_ENTRY_UNKNOWN" });
      expect(await again.verify()).toEqual([]);
      expect((await again.add(a, { name: "a" })).status).toBe("added");
    });

    it("has a digest of its entries, not of their history", async () => {
      const one = await engine.create();
      const two = await engine.create();
      await one.add(a, { name: "a" });
      await one.add(b, { name: "b", root: true });
      await two.add(wide, { name: "gone" });
      await two.add(b, { name: "b", root: true });
      await two.add(a, { name: "a" });
      expect(two.digest).not.toBe(one.digest);
      await two.remove("gone");
      expect(two.digest).toBe(one.digest);
      expect(two.generation).toBeGreaterThan(one.generation);
    });
  });

  describe(`${name}: candidates`, () => {
    it("ranks the base of a noisy, reordered suspect first and leaves out other widths", async () => {
      const registry = await engine.create();
      await registry.add(b, { name: "b" });
      await registry.add(a, { name: "a", root: true });
      await registry.add(wide, { name: "wide" });
      const suspect = layerCodes(randomFingerprint({ seed: 9, from: a, noise: 0.2 })).reverse();
      for (const source of [registry, await engine.reopen(registry)]) {
        const found = await source.candidates(suspect, 10);
        expect(found.map(({ name }) => name)).toEqual(["a", "b"]);
        expect(found[0]).toMatchObject({ digest: digestA, root: true });
        expect(found[0]!.score).toBeGreaterThan(20);
        expect(Math.abs(found[1]!.score)).toBeLessThan(5);
        expect(await source.candidates(suspect, 1)).toEqual([found[0]]);
      }
    });

    it("sees what was added after the first search", async () => {
      const registry = await engine.create();
      expect(await registry.candidates(layerCodes(a), 5)).toEqual([]);
      await registry.add(a, { name: "a" });
      expect(await registry.candidates(layerCodes(a), 5)).toMatchObject([{ name: "a" }]);
      await registry.remove("a");
      expect(await registry.candidates(layerCodes(a), 5)).toEqual([]);
    });
  });

  describe(`${name}: archives`, () => {
    it("travels whole, and the archive is the same bytes again", async () => {
      const from = await engine.create();
      await from.add(b, { name: "b\u001b", root: true });
      await from.add(a, { name: "a" });
      const archive = await archiveOf(from);
      const to = await engine.create();
      expect((await to.importArchive(save(archive))).map(({ status }) => status)).toEqual(["added", "added"]);
      expect(to.digest).toBe(from.digest);
      expect((await engine.reopen(to)).list()).toEqual(from.list());
      expect(await archiveOf(to)).toEqual(archive);
      expect((await to.importArchive(save(archive))).map(({ status }) => status)).toEqual(["unchanged", "unchanged"]);
      expect(await to.candidates(layerCodes(a), 1)).toMatchObject([{ name: "a" }]);
    });

    it("takes in an archive that must be signed only as it was signed, by whom it must be", async () => {
      const from = await engine.create();
      await from.add(a, { name: "a" });
      await from.add(b, { name: "b" });
      const path = save(await archiveOf(from));
      const key = keyPair();
      const signature = { trust: trustOf(key) };
      const to = await engine.create();
      const unsigned = await refusal(to.importArchive(path, { signature }), "SIGNATURE_REQUIRED");
      expect(unsigned.file).toBe(`${path}.sig`);
      await signModel(path, signerOf(key), { shardSize: 1000 });
      await refusal(to.importArchive(path, { signature: { trust: trustOf(keyPair()) } }), "SIGNATURE_KEY_MISMATCH");
      const text = readFileSync(path, "utf8");
      // Each is an archive that would be taken in without a signature.
      const forged = text.replaceAll(/,"check":"[0-9a-f]{32}"/g, "").replace('"name":"a"', '"name":"c"');
      const shorter = text.replace('"entries":2', '"entries":1').replace(/[^\n]*\n$/, "");
      for (const other of [forged, shorter, text.replace('{"schema"', '{ "schema"'), text.slice(0, -1), ""]) {
        expect(other).not.toBe(text);
        writeFileSync(path, other);
        await refusal(to.importArchive(path, { signature }), "SIGNED_FILES_CHANGED");
      }
      writeFileSync(path, text);
      await refusal(
        to.importArchive(save(text), { signature: { ...signature, signature: `${path}.sig` } }),
        "SIGNED_FILES_CHANGED",
      );
      expect((await engine.reopen(to)).list()).toEqual([]);
      expect((await to.importArchive(path, { signature })).map(({ status }) => status)).toEqual(["added", "added"]);
      expect(to.digest).toBe(from.digest);
    });

    it("changes nothing unless all of the archive is sound", async () => {
      const from = await engine.create();
      await from.add(a, { name: "a" });
      await from.add(b, { name: "b" });
      // Without the checks, which would tell of every change.
      const text = (await archiveOf(from)).toString("utf8").replaceAll(/,"check":"[0-9a-f]{32}"/g, "");
      const lines = text.trimEnd().split("\n");
      const [head, first, last] = lines as [string, string, string];
      const broken: [string, string | Uint8Array, string][] = [
        [
          "another digest",
          [head, first, last.replace(/"digest":"../, '"digest":"00')].join("\n").concat("\n"),
          "ARCHIVE_MALFORMED",
        ],
        [
          "other bytes",
          [head, first, last.replace(/(.{20})A?"}$/, 'AAAAAAAAAAAAAAAAAAAAA"}')].join("\n").concat("\n"),
          "ARCHIVE_MALFORMED",
        ],
        ["a missing entry", `${head}\n${first}\n`, "ARCHIVE_MALFORMED"],
        ["a torn line", `${head}\n${first}\n${last.slice(0, -5)}`, "ARCHIVE_MALFORMED"],
        ["no JSON", `${head}\n${first}\nxx\n`, "ARCHIVE_MALFORMED"],
        ["an array", `${head}\n${first}\n[]\n`, "ARCHIVE_MALFORMED"],
        ["null", `${head}\n${first}\nnull\n`, "ARCHIVE_MALFORMED"],
        [
          "a digest that is a path",
          [head, first, last.replace(/"digest":"[0-9a-f]+"/, '"digest":"../../x"')].join("\n").concat("\n"),
          "ARCHIVE_MALFORMED",
        ],
        [
          "an invalid name",
          [head, first, last.replace(/"name":"."/, '"name":""')].join("\n").concat("\n"),
          "REGISTRY_NAME_INVALID",
        ],
        ["another version", `${head.replace("@1", "@2")}\n${first}\n${last}\n`, "REGISTRY_VERSION"],
        ["another file", '{"schema":"x"}\n', "ARCHIVE_MALFORMED"],
        ["nothing", "", "ARCHIVE_MALFORMED"],
        [
          "one name twice",
          [head, first, last.replace(/"name":"."/, first.match(/"name":"."/)![0])].join("\n").concat("\n"),
          "REGISTRY_CONFLICT",
        ],
      ];
      const to = await engine.create();
      await to.add(wide, { name: "wide" });
      const before = { list: to.list(), generation: to.generation };
      for (const [what, archive, code] of broken) {
        await expect(to.importArchive(save(archive)), what).rejects.toMatchObject({ code });
        const now = await engine.reopen(to);
        expect({ list: now.list(), generation: now.generation }, what).toEqual(before);
        expect(await now.verify(), what).toEqual([]);
      }
      await expect(to.importArchive(join(engine.directory, "absent"))).rejects.toMatchObject({
        code: "FILE_NOT_FOUND",
      });
    });

    it("refuses to replace an entry unless told to", async () => {
      const from = await engine.create();
      await from.add(a, { name: "a" });
      const archive = save(await archiveOf(from));
      const to = await engine.create();
      await to.add(b, { name: "a" });
      await expect(to.importArchive(archive)).rejects.toMatchObject({ code: "REGISTRY_CONFLICT" });
      expect((await to.importArchive(archive, { replace: true })).map(({ status }) => status)).toEqual(["replaced"]);
      expect(to.list()).toEqual(from.list());
    });
  });
}
