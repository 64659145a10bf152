import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { beforeAll, describe, expect } from "vitest";
import { memorySource } from "../../src/bytes/memory-source.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { fingerprintCheckpoint } from "../../src/fingerprint/extract.ts";
import { isFingerprintHeader, parseFingerprint, serializeFingerprint } from "../../src/fingerprint/file.ts";
import { layerCodes } from "../../src/fingerprint/layer-codes.ts";
import { readSafetensorsHeader } from "../../src/formats/safetensors/header.ts";
import { openRegistry } from "../../src/registry/file-registry.ts";
import { takeLock } from "../../src/registry/lock.ts";
import { openFingerprintCache } from "../../src/scan/cache/fingerprint-cache.ts";
import { openJournal } from "../../src/scan/journal/journal-store.ts";
import { describeKeyFile, generateKeyFile, readKeyFile } from "../../src/watermark/key/key-file.ts";
import { parseSketch, serializeSketch } from "../../src/watermark/resync/sketch-file.ts";
import { llama, sketchOf } from "../support/alignment.ts";
import { answerOf, damaged, damages, IN_ITS_HEADER } from "../support/damage.ts";
import { randomFingerprint } from "../support/random-fingerprint.ts";
import { failedItem, itemOf, parametersOf, targetOf } from "../support/scan-items.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { checkpointOf } from "../support/stored-model.ts";

const root = scratchDirectory();
const seed = Number(process.env.WEIGHTMARK_SEED ?? Date.now() % 2 ** 31);
console.info(`seed ${seed}: WEIGHTMARK_SEED=${seed} repeats the damage`);

const runs = (numRuns: number) => ({ numRuns, seed });

function requireCode(code: ErrorCode, own: readonly string[], inHeader = false): void {
  if (!(inHeader && IN_ITS_HEADER.test(code))) expect(own).toContain(code);
}

/** A place with these bytes in it: the same one every time. */
function written(bytes: Uint8Array, name = "file"): string {
  const path = join(root, name);
  writeFileSync(path, bytes, { mode: 0o600 });
  return path;
}

/** Runs `use` with a directory that is gone afterwards. */
async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(root, "case-"));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("a damaged fingerprint file", () => {
  let bytes: Uint8Array;
  let whole: unknown;
  beforeAll(async () => {
    const fingerprint = await fingerprintCheckpoint(await checkpointOf(llama(1)), { depth: "full", threads: 0 });
    bytes = serializeFingerprint(fingerprint);
    whole = await parseFingerprint(bytes, "whole");
  });

  test.prop([damages], runs(300))("says what it said, or is refused; it is never taken for a model", async (damage) => {
    const file = damaged(bytes, damage);
    const answer = await answerOf(parseFingerprint(file, "damaged"));
    if ("read" in answer) expect(answer.read).toEqual(whole);
    else requireCode(answer.code, ["FINGERPRINT_MALFORMED", "FINGERPRINT_VERSION"], true);
    const header = await readSafetensorsHeader(memorySource(file)).catch(() => null);
    if (header !== null) expect(isFingerprintHeader(header)).toBe(true);
  });
});

describe("a damaged sketch", () => {
  let bytes: Uint8Array;
  let whole: unknown;
  beforeAll(async () => {
    bytes = serializeSketch(await sketchOf(llama(1)));
    whole = await parseSketch(bytes, "whole");
  });

  test.prop([damages], runs(200))("says what it said, or is refused", async (damage) => {
    const answer = await answerOf(parseSketch(damaged(bytes, damage), "damaged"));
    if ("read" in answer) expect(answer.read).toEqual(whole);
    else requireCode(answer.code, ["SKETCH_MALFORMED"], true);
  });
});

describe("a damaged key file", () => {
  const cost = { n: 1 << 14, r: 8, p: 1 };
  const keys = new Map<string | null, Uint8Array>();
  beforeAll(async () => {
    for (const passphrase of [null, "open sesame"]) {
      const path = join(root, `key-${passphrase}`);
      await generateKeyFile(path, { passphrase, release: "die größte", cost });
      keys.set(passphrase, readFileSync(path));
    }
  });

  test.prop([fc.constantFrom(null, "open sesame"), damages], runs(300))(
    "is the key that it was, or is refused, with the passphrase and without",
    async (passphrase, damage) => {
      const bytes = keys.get(passphrase)!;
      const [whole, path] = [written(bytes, "whole"), written(damaged(bytes, damage))];
      const described = await answerOf(describeKeyFile(path));
      if ("code" in described) requireCode(described.code, ["KEY_FILE_MALFORMED"]);
      else expect(described.read).toEqual(await describeKeyFile(whole));
      const opened = await answerOf(readKeyFile(path, passphrase));
      if ("code" in opened) requireCode(opened.code, ["KEY_FILE_MALFORMED"]);
      else expect(opened.read.subkey("x")).toEqual((await readKeyFile(whole, passphrase)).subkey("x"));
    },
  );
});

describe("a damaged journal of a scan", () => {
  const items = [itemOf("a"), itemOf("b", { summary: "ä ü \ufffd" }), failedItem("c", true), itemOf("d")];
  let bytes: Uint8Array;
  beforeAll(async () => {
    const path = join(root, "journal.jsonl");
    const store = await openJournal(path, parametersOf());
    for (const item of items) await store.put(item);
    await store.finish();
    await store.close();
    bytes = readFileSync(path);
  });

  test.prop([damages, fc.constantFrom("begin", "resume", "restart")], runs(300))(
    "gives the results that were written, less those at its end, or is refused",
    async (damage, mode) => {
      const path = written(damaged(bytes, damage));
      const opened = await answerOf(openJournal(path, parametersOf(), { mode }));
      if ("code" in opened) return requireCode(opened.code, ["SCAN_JOURNAL_CORRUPT", "SCAN_UNFINISHED"]);
      const read: unknown[] = [];
      for await (const item of opened.read.items()) read.push(item);
      if (opened.read.complete) expect(read).toEqual(items);
      else expect(read).toEqual(items.slice(0, read.length));
      await opened.read.close();
    },
  );

  test.prop([damages], runs(100))("that is damaged while it is open gives what it held, or says so", async (damage) => {
    const path = written(bytes);
    const store = await openJournal(path, parametersOf(), { mode: "resume" });
    writeFileSync(path, damaged(bytes, damage));
    for (const item of items) {
      const answer = await answerOf(store.get(item.id));
      if ("read" in answer) expect(answer.read).toEqual(item);
      else requireCode(answer.code, ["SCAN_JOURNAL_CORRUPT"]);
    }
    await store.close();
  });
});

describe("a damaged registry", () => {
  const bases = [1, 2, 3].map((seed) => randomFingerprint({ seed }));
  const suspect = layerCodes(randomFingerprint({ seed: 9, from: bases[1]!, noise: 0.1 }));
  const original = join(root, "registry");
  let names: string[];
  let whole: Awaited<ReturnType<typeof knows>>;
  let archive: Uint8Array;

  async function knows(directory: string) {
    const registry = await openRegistry(directory);
    const { entries, digest, generation } = registry;
    const ranked = await registry.candidates(suspect, 3);
    const loaded = await Promise.all(registry.list().map(({ digest }) => registry.load(digest)));
    return { entries, digest, generation, list: registry.list(), ranked, loaded };
  }

  beforeAll(async () => {
    const registry = await openRegistry(original, { create: true });
    for (const [i, base] of bases.entries()) await registry.add(base, { name: `älter/${i}`, root: i === 0 });
    names = readdirSync(original, { recursive: true, encoding: "utf8" }).filter((name) =>
      /\.(?:jsonl?|bin|safetensors)$/.test(name),
    );
    whole = await knows(original);
    const pieces: Uint8Array[] = [];
    for await (const piece of registry.exportArchive()) pieces.push(piece);
    archive = Buffer.concat(pieces);
  });

  test.prop([damages, fc.nat()], runs(300))("knows what it knew, or refuses", async (damage, which) => {
    const name = names[which % names.length]!;
    const path = join(original, name);
    const bytes = readFileSync(path);
    writeFileSync(path, damaged(bytes, damage));
    try {
      const answer = await answerOf(knows(original));
      if ("read" in answer) expect(answer.read).toEqual(whole);
      // The cache of codes decides nothing, and what is damaged of it is computed.
      else if (name === "codes.bin") expect(answer).toHaveProperty("read");
      else if (name.endsWith(".safetensors")) requireCode(answer.code, ["REGISTRY_ENTRY_POISONED"]);
      else requireCode(answer.code, ["REGISTRY_CORRUPT", "REGISTRY_VERSION", "REGISTRY_ROLLED_BACK"]);
    } finally {
      writeFileSync(path, bytes);
    }
  });

  test.prop([damages], runs(60))("takes another base though its cache of codes is damaged", (damage) =>
    inDirectory(async (directory) => {
      cpSync(original, directory, { recursive: true });
      const path = join(directory, "codes.bin");
      writeFileSync(path, damaged(readFileSync(path), damage));
      await (await openRegistry(directory)).add(randomFingerprint({ seed: 4 }), { name: "new" });
      const { list, ranked } = await knows(directory);
      expect(list.map(({ name }) => name)).toEqual(["new", ...whole.list.map(({ name }) => name)]);
      expect(ranked[0]).toEqual(whole.ranked[0]);
    }),
  );

  test.prop([damages], runs(200))("an archive of it gives what it holds, or nothing", (damage) =>
    inDirectory(async (directory) => {
      const path = written(damaged(archive, damage));
      const registry = await openRegistry(directory, { create: true });
      const answer = await answerOf(registry.importArchive(path));
      if ("read" in answer) {
        expect(registry.list()).toEqual(whole.list);
        return;
      }
      requireCode(answer.code, ["ARCHIVE_MALFORMED", "REGISTRY_VERSION"]);
      expect(registry.list()).toEqual([]);
    }),
  );
});

describe("a damaged entry of a cache", () => {
  const target = targetOf("hf:acme/m@1", { content: "ab".repeat(32), revision: "1".repeat(40) });
  const fingerprint = randomFingerprint({ seed: 1 });
  const directory = join(root, "cache");
  const cache = openFingerprintCache({ directory, depth: "sampled", version: "1", endpoint: "https://hub" });
  let path: string;
  let bytes: Uint8Array;
  beforeAll(async () => {
    await cache.storeFingerprint(target, fingerprint);
    const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
    path = join(directory, names.find((name) => name.length > 60)!);
    bytes = readFileSync(path);
  });

  test.prop([damages], runs(300))("is no entry", async (damage) => {
    writeFileSync(path, damaged(bytes, damage));
    const found = await cache.find(target);
    if (found === null) return;
    const read = "fingerprint" in found ? serializeFingerprint(found.fingerprint) : null;
    expect(read).toEqual(serializeFingerprint(fingerprint));
  });
});

describe("a damaged lock", () => {
  test.prop([damages], runs(100))("of a live process is never broken", async (damage) => {
    const path = join(root, "lock");
    const held = { timeoutMs: 0, code: "REGISTRY_LOCKED", message: "held" } as const;
    const lock = await takeLock(path, held);
    const bytes = readFileSync(path);
    writeFileSync(path, damaged(bytes, damage));
    expect(await answerOf(takeLock(path, held))).toEqual({ code: "REGISTRY_LOCKED" });
    writeFileSync(path, bytes);
    lock.release();
  });
});
