import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { WeightmarkError } from "../../../src/errors.ts";
import { serializeFingerprint } from "../../../src/fingerprint/file.ts";
import { type CacheOptions, openFingerprintCache } from "../../../src/scan/cache/fingerprint-cache.ts";
import { pruneCache } from "../../../src/scan/cache/prune.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { failureOf, targetOf } from "../../support/scan-items.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const fingerprint = randomFingerprint({ seed: 1 });
const other = randomFingerprint({ seed: 2 });
const content = "ab".repeat(32);
const target = targetOf("hf:acme/m@1", { content, revision: "1".repeat(40) });

/** A target of the same content, in a file of a name. */
const named = (id: string, path = "model.safetensors") => {
  const files = [{ path, size: 1, oid: "1".repeat(40), sha256: content }];
  return targetOf(id, { content, repository: { id: "acme/m", commit: "1".repeat(40), files } });
};

function cacheIn(directory: string, more: Partial<CacheOptions> = {}) {
  return openFingerprintCache({ directory, depth: "sampled", version: "1", endpoint: "https://hub", ...more });
}

/** Paths of all files in a cache. */
function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .sort();
}

describe("a cache of fingerprints", () => {
  it("gives back what was stored, under the content whatever it is called", async () => {
    const directory = temporaryDirectory();
    expect(await cacheIn(directory).find(target)).toBeNull();
    await cacheIn(directory).storeFingerprint(target, fingerprint);
    const found = await cacheIn(directory).find(targetOf("hf:else/where@2", { content }));
    expect(found !== null && "fingerprint" in found && serializeFingerprint(found.fingerprint)).toEqual(
      serializeFingerprint(fingerprint),
    );
    expect(await cacheIn(directory).find(targetOf("hf:acme/x@1", { content: "cd".repeat(32) }))).toBeNull();
    expect(await cacheIn(directory, { depth: "full" }).find(target)).toBeNull();
    expect(await cacheIn(directory).find(targetOf("x"))).toBeNull();
    // Another release makes the same fingerprints as long as the rules of extraction are the same.
    expect(await cacheIn(directory, { version: "2" }).find(target)).not.toBeNull();
  });

  it("believes a Hub of its own models alone: its digests answer for no other Hub, nor for this machine", async () => {
    const directory = temporaryDirectory();
    const local = targetOf("/cache/models--a--b/snapshots/1", { content, revision: "1".repeat(40) });
    const hostile = cacheIn(directory, { endpoint: "https://hostile" });
    await hostile.storeFingerprint(target, fingerprint);
    await hostile.storeFailure(target, failureOf());
    await hostile.storeFailure(target, failureOf({ code: "NO_WEIGHTS", message: "no weights in this directory" }));
    expect(await hostile.find(target)).toMatchObject({ fingerprint: {} });
    expect(await hostile.find(local)).toBeNull();
    expect(await cacheIn(directory).find(target)).toBeNull();
    await cacheIn(directory).storeFingerprint(local, fingerprint);
    expect(await cacheIn(directory).find(target)).toBeNull();
    expect(await hostile.find(local)).toMatchObject({ fingerprint: {} });
  });

  it("keeps no refusal of a snapshot by its commit: its download may not be over", async () => {
    const directory = temporaryDirectory();
    const snapshot = targetOf("/cache/models--a--b/snapshots/1", { revision: "1".repeat(40) });
    await cacheIn(directory).storeFailure(
      snapshot,
      failureOf({ code: "SHARD_MISSING", message: "a shard is missing" }),
    );
    expect(await cacheIn(directory).find(snapshot)).toBeNull();
  });

  it("keeps nothing for what has no content known in advance", async () => {
    const directory = temporaryDirectory();
    await cacheIn(directory).storeFingerprint(targetOf("/models/a", { identity: content }), fingerprint);
    expect(filesIn(directory)).toEqual([]);
  });

  it("ignores a damaged entry, and replaces it", async () => {
    const directory = temporaryDirectory();
    await cacheIn(directory).storeFingerprint(target, fingerprint);
    const [path] = filesIn(directory) as [string];
    const whole = readFileSync(path);
    const damaged = [
      whole.subarray(0, whole.length - 1),
      Buffer.concat([whole, Buffer.from("x")]),
      Buffer.alloc(0),
      Buffer.from("{}\n"),
      Buffer.from("no line"),
      Buffer.from([...whole.subarray(0, 400), whole[400]! ^ 1, ...whole.subarray(401)]),
    ];
    for (const bytes of damaged) {
      writeFileSync(path, bytes);
      expect(await cacheIn(directory).find(target)).toBeNull();
    }
    await cacheIn(directory).storeFingerprint(target, fingerprint);
    expect(readFileSync(path)).toEqual(whole);
    expect(await cacheIn(directory).find(target)).not.toBeNull();
  });

  it("does not take an entry for another one's, however it came to lie there", async () => {
    const directory = temporaryDirectory();
    await cacheIn(directory).storeFingerprint(target, fingerprint);
    const [mine] = filesIn(directory) as [string];
    const theirs = targetOf("b", { content: "cd".repeat(32) });
    await cacheIn(directory).storeFingerprint(theirs, other);
    const path = filesIn(directory).find((one) => one !== mine)!;
    writeFileSync(path, readFileSync(mine));
    expect(await cacheIn(directory).find(theirs)).toBeNull();
  });

  it("does not wait for a FIFO, nor read a directory", async () => {
    const directory = temporaryDirectory();
    await cacheIn(directory).storeFingerprint(target, fingerprint);
    const [path] = filesIn(directory) as [string];
    const { rmSync } = await import("node:fs");
    rmSync(path);
    mkdirSync(path);
    expect(await cacheIn(directory).find(target)).toBeNull();
  });

  it("keeps refusals that the same bytes meet again, for the same release", async () => {
    const directory = temporaryDirectory();
    const overlap = failureOf();
    await cacheIn(directory).storeFailure(named("hf:acme/m@1"), overlap);
    expect(await cacheIn(directory).find(named("hf:other/name@1"))).toEqual({ failure: overlap });
    expect(await cacheIn(directory, { version: "2" }).find(named("hf:acme/m@1"))).toBeNull();
    // What is said names files: those of a copy may be called otherwise, or be named alone.
    for (const copy of [
      named("hf:other/name@1", "weights.safetensors"),
      named("hf:other/name@1/model.safetensors"),
      targetOf("hf:other/name@1", { content }),
    ]) {
      expect(await cacheIn(directory).find(copy)).toBeNull();
    }
    const empty = targetOf("hf:acme/e@2", { revision: "2".repeat(40) });
    const none = failureOf({ code: "NO_WEIGHTS", message: "no weights in this directory" });
    await cacheIn(directory).storeFailure(empty, none);
    expect(await cacheIn(directory).find(empty)).toEqual({ failure: none });
    // By the commit: the next one may hold weights.
    expect(await cacheIn(directory).find({ ...empty, id: "hf:acme/e@3" })).toBeNull();
  });

  it.each(["HTTP_FORBIDDEN", "HUB_GATED", "FILE_UNREADABLE", "INTERNAL", "BYTE_BUDGET_EXCEEDED", "TIMED_OUT"] as const)(
    "does not keep %s: it says nothing of the weights",
    async (code) => {
      const directory = temporaryDirectory();
      await cacheIn(directory).storeFailure(target, failureOf({ code }));
      await cacheIn(directory).storeFailure(target, failureOf({ passing: true }));
      expect(filesIn(directory)).toEqual([]);
    },
  );

  it("is done without when it cannot be written, and says so once", async () => {
    const directory = join(temporaryDirectory(), "cache");
    // A file where the directory should be: root may write into what is read-only.
    writeFileSync(directory, "");
    const told: WeightmarkError[] = [];
    const cache = cacheIn(directory, { onTrouble: (error) => void told.push(error) });
    for (let i = 0; i < 3; i++) await cache.storeFingerprint(target, fingerprint);
    expect(told).toMatchObject([{ code: "WRITE_FAILED", file: directory }]);
    expect(await cache.find(target)).toBeNull();
  });

  it.skipIf(process.getuid?.() === 0)(
    "is read where it may not be written (not as root, who may write everywhere)",
    async () => {
      const directory = temporaryDirectory();
      await cacheIn(directory).storeFingerprint(target, fingerprint);
      chmodSync(directory, 0o500);
      expect(await cacheIn(directory).find(target)).not.toBeNull();
      chmodSync(directory, 0o700);
    },
  );
});

describe("pruning", () => {
  it("removes what was used least lately, and nothing that is no entry", async () => {
    const directory = temporaryDirectory();
    const cache = cacheIn(directory);
    const digits = ["0", "1", "2", "3", "4", "5"];
    const targets = digits.map((digit) => targetOf(digit, { content: digit.repeat(64) }));
    let seen = new Set<string>();
    const paths: string[] = [];
    for (const [i, one] of targets.entries()) {
      await cache.storeFingerprint(one, fingerprint);
      const path = filesIn(directory).find((file) => !seen.has(file))!;
      utimesSync(path, new Date(), new Date(Date.now() - (10 - i) * 86_400_000));
      paths.push(path);
      seen = new Set(filesIn(directory));
    }
    writeFileSync(join(directory, "thesis.tex"), "x".repeat(10_000_000));
    mkdirSync(join(directory, "aa"), { recursive: true });
    writeFileSync(join(directory, "aa", "b".repeat(64)), "x".repeat(10_000_000));
    const { size } = statSync(paths[0]!);
    // A hit makes an entry young again.
    expect(await cache.find(targets[0]!)).not.toBeNull();
    expect(await pruneCache(directory, 6 * size)).toBe(0);
    expect(await pruneCache(directory, 4 * size)).toBe(3);
    expect(paths.map((path) => existsSync(path))).toEqual([true, false, false, false, true, true]);
    expect(existsSync(join(directory, "thesis.tex"))).toBe(true);
    expect(existsSync(join(directory, "aa", "b".repeat(64)))).toBe(true);
    expect(await pruneCache(join(directory, "nowhere"))).toBe(0);
  });
});
