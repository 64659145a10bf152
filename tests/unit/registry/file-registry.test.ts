import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { layerCodes } from "../../../src/fingerprint/layer-codes.ts";
import { blake3 } from "../../../src/kernels/blake3.ts";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import { defaultRegistryDirectory } from "../../../src/registry/location.ts";
import { holderText, ownHolder, ownSpace } from "../../../src/registry/lock-holder.ts";
import { leaveBehind, onLinux } from "../../support/left-behind.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const root = scratchDirectory();
let count = 0;
const fresh = () => join(root, `r${count++}`);
const a = randomFingerprint({ seed: 1 });
const b = randomFingerprint({ seed: 2 });

async function filled(): Promise<string> {
  const directory = fresh();
  const registry = await openRegistry(directory, { create: true });
  await registry.add(a, { name: "a" });
  await registry.add(b, { name: "b" });
  return directory;
}

/** The lock of a writer that was killed. */
function leaveLock(directory: string): void {
  const pid = Number(execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }));
  writeFileSync(join(directory, "lock"), holderText({ ...ownHolder(ownSpace(), "gone"), pid, started: null }));
}

async function entryOf(directory: string, name: string) {
  const { digest } = (await openRegistry(directory)).find(name);
  return { digest, path: join(directory, "fingerprints", `${digest}.safetensors`) };
}

function snapshot(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return new Map(
    files.map((file) => [join(file.parentPath, file.name), readFileSync(join(file.parentPath, file.name), "base64")]),
  );
}

describe("opening", () => {
  it("refuses what is not there, unless it may be made", async () => {
    const directory = fresh();
    await expect(openRegistry(directory)).rejects.toMatchObject({ code: "REGISTRY_NOT_FOUND" });
    expect((await openRegistry(directory, { create: true })).entries).toBe(0);
    expect(readdirSync(root)).not.toContain(directory);
  });

  it("does not turn someone else's directory or file into a registry", async () => {
    const directory = fresh();
    mkdirSync(directory);
    writeFileSync(join(directory, "thesis.txt"), "");
    await expect(openRegistry(directory, { create: true })).rejects.toMatchObject({ code: "REGISTRY_NOT_FOUND" });
    await expect(openRegistry(join(directory, "thesis.txt"), { create: true })).rejects.toMatchObject({
      code: expect.stringMatching(/REGISTRY_NOT_FOUND|FILE_UNREADABLE/),
    });
  });

  it("writes nothing while it reads", async () => {
    const directory = await filled();
    const before = snapshot(directory);
    const registry = await openRegistry(directory);
    await registry.candidates(layerCodes(a), 3);
    await registry.verify();
    for await (const _ of registry.exportArchive());
    expect(snapshot(directory)).toEqual(before);
  });

  it("is the same bytes for the same additions", async () => {
    const clock = () => null;
    const [one, two] = [fresh(), fresh()];
    for (const directory of [one, two]) {
      const registry = await openRegistry(directory, { create: true, clock });
      await registry.add(a, { name: "a" });
      await registry.add(b, { name: "b", root: true });
    }
    const relative = (directory: string) =>
      new Map([...snapshot(directory)].map(([path, data]) => [path.slice(directory.length), data]));
    expect(relative(two)).toEqual(relative(one));
  });
});

describe("damage", () => {
  it("refuses a poisoned fingerprint, says so in verify, and takes it back when it is registered again", async () => {
    const directory = await filled();
    const { digest, path } = await entryOf(directory, "a");
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    const registry = await openRegistry(directory);
    await expect(registry.load(digest)).rejects.toMatchObject({ code: "REGISTRY_ENTRY_POISONED" });
    expect(await registry.verify()).toMatchObject([{ code: "REGISTRY_ENTRY_POISONED", digest, name: "a" }]);
    await expect(async () => {
      for await (const _ of registry.exportArchive());
    }).rejects.toMatchObject({ code: "REGISTRY_ENTRY_POISONED" });
    expect((await registry.add(a, { name: "a" })).status).toBe("unchanged");
    expect(await registry.verify()).toEqual([]);
  });

  it("neither blocks nor fills the memory when something else stands in a fingerprint's place", async () => {
    const directory = await filled();
    const [one, two] = [await entryOf(directory, "a"), await entryOf(directory, "b")];
    truncateSync(one.path, 2 ** 40);
    rmSync(two.path);
    if (process.platform === "win32") mkdirSync(two.path);
    else execFileSync("mkfifo", [two.path]);
    const registry = await openRegistry(directory);
    for (const { digest } of [one, two]) {
      await expect(registry.load(digest)).rejects.toMatchObject({ code: "REGISTRY_ENTRY_POISONED" });
    }
  });

  it("notices another registered fingerprint in an entry's place", async () => {
    const directory = await filled();
    const [one, two] = [await entryOf(directory, "a"), await entryOf(directory, "b")];
    cpSync(two.path, one.path);
    await expect((await openRegistry(directory)).load(one.digest)).rejects.toMatchObject({
      code: "REGISTRY_ENTRY_POISONED",
    });
  });

  it("reports a fingerprint that is gone and one that nobody registered", async () => {
    const directory = await filled();
    const { digest, path } = await entryOf(directory, "a");
    cpSync(path, join(directory, "fingerprints", `${"ab".repeat(32)}.safetensors`));
    rmSync(path);
    const registry = await openRegistry(directory);
    await expect(registry.load(digest)).rejects.toMatchObject({ code: "REGISTRY_ENTRY_MISSING" });
    const codes = (await registry.verify()).map(({ code }) => code);
    expect(codes.sort()).toEqual(["REGISTRY_ENTRY_MISSING", "UNREGISTERED_FILE"]);
  });

  it.each([
    ["edited", (text: string) => text.replace('"name":"a"', '"name":"c"'), "REGISTRY_CORRUPT"],
    ["edited at its end", (text: string) => text.replace('"name":"b"', '"name":"c"'), "REGISTRY_CORRUPT"],
    ["without its first line", (text: string) => text.slice(text.indexOf("\n") + 1), "REGISTRY_CORRUPT"],
    ["put back by one", (text: string) => text.slice(0, text.indexOf("\n") + 1), "REGISTRY_ROLLED_BACK"],
    ["emptied", () => "", "REGISTRY_ROLLED_BACK"],
    ["of another version", (text: string) => text.replaceAll("journal@1", "journal@2"), "REGISTRY_VERSION"],
    ["garbage", () => "\u0000\n", "REGISTRY_CORRUPT"],
    ["null", () => "null\n", "REGISTRY_CORRUPT"],
  ])("refuses a journal that was %s", async (_, change, code) => {
    const directory = await filled();
    const path = join(directory, "journal.jsonl");
    writeFileSync(path, change(readFileSync(path, "utf8")));
    await expect(openRegistry(directory)).rejects.toMatchObject({ code });
  });

  it("reads a journal from before there were parts, and refuses parts that are none", async () => {
    const directory = await filled();
    const path = join(directory, "journal.jsonl");
    const journal = readFileSync(path, "utf8");
    expect(journal).not.toContain("parts");
    expect((await openRegistry(directory)).list()).toMatchObject([{ parts: [] }, { parts: [] }]);
    const [first] = journal.split("\n") as [string];
    for (const wrong of ["null", "{}", '["x"]', '[{"component":"c"}]', '[{"component":"c","of":"../../x"}]']) {
      const change = first.replace('"root":false', `"root":false,"parts":${wrong}`);
      expect(change).not.toBe(first);
      rmSync(join(directory, "head.json"), { force: true });
      writeFileSync(path, `${change}\n`);
      await expect(openRegistry(directory), wrong).rejects.toMatchObject({ code: "REGISTRY_CORRUPT" });
    }
  });

  it("refuses a journal that was deleted, and a damaged head", async () => {
    const directory = await filled();
    const head = join(directory, "head.json");
    const whole = readFileSync(head);
    writeFileSync(head, "{");
    await expect(openRegistry(directory)).rejects.toMatchObject({ code: "REGISTRY_CORRUPT" });
    writeFileSync(head, whole);
    rmSync(join(directory, "journal.jsonl"));
    await expect(openRegistry(directory, { create: true })).rejects.toMatchObject({ code: "REGISTRY_ROLLED_BACK" });
  });

  it.each([
    ["gone", (path: string) => rmSync(path)],
    ["cut short", (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 50))],
    [
      "damaged",
      (path: string) =>
        writeFileSync(
          path,
          readFileSync(path).map((byte) => byte ^ 0x55),
        ),
    ],
    ["another's", (path: string) => writeFileSync(path, "no codes, and longer than them".repeat(1000))],
  ])("finds candidates when the code cache is %s, reports it, and mends it", async (_, damage) => {
    const directory = await filled();
    damage(join(directory, "codes.bin"));
    const registry = await openRegistry(directory);
    expect((await registry.candidates(layerCodes(a), 2)).map(({ name }) => name)).toEqual(["a", "b"]);
    expect((await registry.verify()).map(({ code }) => code)).toContain("CODES_MISSING");
    await registry.add(randomFingerprint({ seed: 3 }), { name: "c" });
    await registry.remove("c");
    expect(await registry.verify()).toEqual([]);
  });
});

/** A code file as the first layout had it: the count alone, in four bytes. */
function olderLayout(bytes: Buffer): Buffer {
  const old = Buffer.from(bytes);
  for (let at = 0; at < old.length; ) {
    const end = at + 36 + old.readUIntLE(at, 3) * 40;
    old[at + 3] = 0;
    old.set(blake3(old.subarray(at, end)).subarray(0, 16), end);
    at = end + 16;
  }
  return old;
}

describe("codes of an older layout", () => {
  it("are not searched, and made anew by the next addition", async () => {
    const directory = await filled();
    const file = join(directory, "codes.bin");
    writeFileSync(file, olderLayout(readFileSync(file)));
    const registry = await openRegistry(directory);
    expect((await registry.candidates(layerCodes(a), 2)).map(({ name }) => name)).toEqual(["a", "b"]);
    expect((await registry.verify()).map(({ code }) => code)).toEqual(["CODES_MISSING", "CODES_MISSING"]);
    await registry.add(randomFingerprint({ seed: 3 }), { name: "c" });
    expect(await registry.verify()).toEqual([]);
  });
});

describe("writing again", () => {
  it("is refused, and no bug of ours, where a file takes no more", async () => {
    for (const name of ["codes.bin", "head.json"]) {
      const directory = await filled();
      const registry = await openRegistry(directory);
      rmSync(join(directory, name));
      mkdirSync(join(directory, name));
      await expect(registry.add(randomFingerprint({ seed: 3 }), { name: "c" })).rejects.toMatchObject({
        name: "WeightmarkError",
        kind: "refused",
      });
    }
  });

  it("goes on from what another process added, and from a copy that was put in its place", async () => {
    const [directory, other] = [await filled(), fresh()];
    const registry = await openRegistry(directory);
    await (await openRegistry(directory)).remove("a");
    await registry.add(a, { name: "again" });
    expect(registry.list().map(({ name }) => name)).toEqual(["again", "b"]);
    expect(registry.generation).toBe(4);

    // As long and longer than what is known, and sound.
    const copy = await openRegistry(other, { create: true });
    for (let seed = 10; seed < 18; seed++) await copy.add(randomFingerprint({ seed }), { name: `n${seed}` });
    rmSync(directory, { recursive: true });
    cpSync(other, directory, { recursive: true });
    await registry.remove("n10");
    expect(registry.list()).toHaveLength(7);
    expect((await openRegistry(directory)).list()).toEqual(registry.list());
  });

  it("refuses a journal that was altered or put back behind its back", async () => {
    const directory = await filled();
    const registry = await openRegistry(directory);
    await (await openRegistry(directory)).remove("a");
    const path = join(directory, "journal.jsonl");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"name":"b"', '"name":"c"'));
    await expect(registry.add(a, { name: "x" })).rejects.toMatchObject({ code: "REGISTRY_CORRUPT" });
    writeFileSync(path, text.split("\n").slice(0, 2).join("\n").concat("\n"));
    await expect(registry.add(a, { name: "x" })).rejects.toMatchObject({ code: "REGISTRY_ROLLED_BACK" });
  });
});

describe("crashes", () => {
  it("ignores a torn last line and the next change cuts it off", async () => {
    const directory = await filled();
    appendFileSync(join(directory, "journal.jsonl"), '{"schema":"weightmark/regis');
    const registry = await openRegistry(directory);
    expect(registry.generation).toBe(2);
    await registry.remove("a");
    expect((await openRegistry(directory)).list()).toMatchObject([{ name: "b" }]);
  });

  it("goes on from a journal whose head was not written yet", async () => {
    const directory = await filled();
    const head = readFileSync(join(directory, "head.json"));
    await (await openRegistry(directory)).remove("a");
    writeFileSync(join(directory, "head.json"), head);
    expect((await openRegistry(directory)).list()).toMatchObject([{ name: "b" }]);
  });

  it("drops codes of an addition that never happened", async () => {
    const directory = await filled();
    appendFileSync(join(directory, "codes.bin"), "half a record");
    const registry = await openRegistry(directory);
    await registry.add(randomFingerprint({ seed: 3 }), { name: "c" });
    expect(await registry.verify()).toEqual([]);
  });

  it.runIf(onLinux)("takes away what killed writers left, wherever they were", async () => {
    const directory = await filled();
    const fingerprints = join(directory, "fingerprints");
    // One was killed with the lock, at a fingerprint; the other waited for it, or was at the head.
    leaveBehind(fingerprints);
    leaveBehind(directory);
    leaveLock(directory);
    const registry = await openRegistry(directory);
    await registry.remove("a");
    expect(readdirSync(directory).sort()).toEqual(["codes.bin", "fingerprints", "head.json", "journal.jsonl"]);
    expect(readdirSync(fingerprints)).toEqual([`${registry.find("b").digest}.safetensors`]);
    // Also what left no lock, of a change that comes to nothing.
    leaveBehind(directory);
    await registry.add(b, { name: "b" });
    expect(readdirSync(directory)).toHaveLength(4);
  });

  it("is sound when a writer was killed before it named a fingerprint, which goes with the next change", async () => {
    const directory = await filled();
    const { digest, path } = await entryOf(directory, "a");
    const bytes = readFileSync(path);
    await (await openRegistry(directory)).remove("a");
    writeFileSync(path, bytes);
    const other = `${"0".repeat(64)}.safetensors`;
    writeFileSync(join(directory, "fingerprints", other), "somebody else's");
    const codes = async () => (await (await openRegistry(directory)).verify()).map((problem) => problem.code);
    // Nobody is at work, nor was killed at it: these are of another hand.
    expect(await codes()).toEqual(["UNREGISTERED_FILE", "UNREGISTERED_FILE"]);
    leaveLock(directory);
    expect(await codes()).toEqual([]);
    await (await openRegistry(directory)).add(randomFingerprint({ seed: 3 }), { name: "c" });
    expect(readdirSync(join(directory, "fingerprints"))).not.toContain(`${digest}.safetensors`);
    // What no writer can have left is not taken away, and told again.
    expect(await codes()).toEqual(["UNREGISTERED_FILE"]);
  });

  it("names no file that another writer registers meanwhile", async () => {
    const directory = await filled();
    const opened = await openRegistry(directory);
    await (await openRegistry(directory)).add(randomFingerprint({ seed: 3 }), { name: "c" });
    expect(await opened.verify()).toEqual([]);
  });

  it("starts over in a directory where the first addition was killed", async () => {
    const directory = fresh();
    mkdirSync(join(directory, "fingerprints"), { recursive: true });
    writeFileSync(join(directory, ".weightmark-00.tmp"), "");
    const registry = await openRegistry(directory, { create: true });
    expect((await registry.add(a, { name: "a" })).status).toBe("added");
  });
});

describe("the default directory", () => {
  const at = (platform: NodeJS.Platform, env: Record<string, string> = {}) =>
    defaultRegistryDirectory({ env, platform, home: "/home/u" }).replaceAll("\\", "/");

  it("follows the platform, XDG_DATA_HOME and WEIGHTMARK_REGISTRY", () => {
    expect(at("linux")).toBe("/home/u/.local/share/weightmark/registry");
    expect(at("darwin")).toBe("/home/u/Library/Application Support/weightmark/registry");
    expect(at("win32", { LOCALAPPDATA: "/l" })).toBe("/l/weightmark/registry");
    expect(at("linux", { XDG_DATA_HOME: "/x" })).toBe("/x/weightmark/registry");
    expect(at("linux", { XDG_DATA_HOME: "/x", WEIGHTMARK_REGISTRY: "/r" })).toBe("/r");
    expect(at("win32", { LOCALAPPDATA: "" })).toBe("/home/u/AppData/Local/weightmark/registry");
  });

  it("asks for a home directory only where nothing else names a place", () => {
    for (const platform of ["linux", "darwin", "win32"] as const) {
      const of = (env: Record<string, string>) => () => defaultRegistryDirectory({ env, platform, home: null });
      expect(of({})).toThrow(expect.objectContaining({ code: "NO_HOME_DIRECTORY", kind: "usage" }));
      expect(of({ XDG_DATA_HOME: "/x" })()).toBe(join("/x", "weightmark", "registry"));
      expect(of({ WEIGHTMARK_REGISTRY: "/r" })()).toBe("/r");
    }
    const local = { env: { LOCALAPPDATA: "/l" }, platform: "win32" as const, home: null };
    expect(defaultRegistryDirectory(local)).toBe(join("/l", "weightmark", "registry"));
  });
});
