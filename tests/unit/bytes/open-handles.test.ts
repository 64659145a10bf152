import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterEach, describe, expect, it } from "vitest";
import type { SyncByteSource } from "../../../src/bytes/byte-source.ts";
import { openFileSource } from "../../../src/bytes/file-source.ts";
import { KeptHandle, openHandles } from "../../../src/bytes/open-handles.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** More than a model of a few hundred gigabytes has shards. */
const FILES = 200;
/** What one thread may hold. */
const MOST = 16;

const opened: SyncByteSource[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((source) => source.close()));
  expect(openHandles()).toBe(0);
});

async function openFiles(count = FILES): Promise<{ paths: string[]; sources: SyncByteSource[] }> {
  const directory = temporaryDirectory();
  const paths = Array.from({ length: count }, (_, i) => join(directory, String(i)));
  for (const [i, path] of paths.entries()) writeFileSync(path, `file ${i}`);
  const sources = await Promise.all(paths.map((path) => openFileSource(path)));
  opened.push(...sources);
  return { paths, sources };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

function readNow(source: SyncByteSource): string {
  const target = new Uint8Array(source.size);
  source.readIntoSync(target, 0);
  return text(target);
}

describe("files of a model of many shards", () => {
  it("are read by few handles, one after the other and all at once", async () => {
    const { sources } = await openFiles();
    expect(openHandles()).toBeLessThanOrEqual(MOST);
    for (const [i, source] of sources.entries()) {
      expect(readNow(source)).toBe(`file ${i}`);
      expect(openHandles()).toBeLessThanOrEqual(MOST);
    }
    let most = 0;
    const read = sources.map(async (source) => {
      const bytes = await source.read(0, source.size);
      most = Math.max(most, openHandles());
      return text(bytes);
    });
    expect(await Promise.all(read)).toEqual(sources.map((_, i) => `file ${i}`));
    expect(most).toBeLessThanOrEqual(MOST);
  });

  it("are read at once while others are read later", async () => {
    const { sources } = await openFiles();
    const later = sources.map((source) => source.read(0, source.size));
    expect(sources.map(readNow)).toEqual(sources.map((_, i) => `file ${i}`));
    expect((await Promise.all(later)).map(text)).toEqual(sources.map((_, i) => `file ${i}`));
    expect(openHandles()).toBeLessThanOrEqual(MOST);
  });

  it("may be closed while they are read", async () => {
    const { sources } = await openFiles();
    const reading = sources.map((source) => source.read(0, source.size));
    await Promise.all(sources.map((source) => source.close()));
    expect((await Promise.all(reading)).map(text)).toEqual(sources.map((_, i) => `file ${i}`));
    expect(openHandles()).toBe(0);
    await refusal(sources[0]!.read(0, 1), "FILE_UNREADABLE");
  });

  it.each<[string, (path: string) => void]>([
    ["written to", (path) => appendFileSync(path, "x")],
    ["removed", (path) => rmSync(path)],
    [
      "replaced",
      (path) => {
        writeFileSync(`${path}.new`, "file 0");
        renameSync(`${path}.new`, path);
      },
    ],
    [
      "replaced",
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
  ])("are not taken for others when they are opened again: %s", async (what, change) => {
    const { paths, sources } = await openFiles();
    // The first is among those whose handle was given to others.
    change(paths[0]!);
    for (const read of [() => sources[0]!.read(0, 6), async () => readNow(sources[0]!)]) {
      expect((await refusal(read(), "CHANGED_DURING_READ")).message).toContain(what);
    }
    await refusal(sources[0]!.verifyUnchanged(), "CHANGED_DURING_READ");
    expect(readNow(sources[1]!)).toBe("file 1");
  });

  it("are found unchanged, open or not", async () => {
    const { sources } = await openFiles();
    for (const source of sources) await source.verifyUnchanged();
    expect(openHandles()).toBeLessThanOrEqual(MOST);
  });
});

const action = fc.record({
  file: fc.nat({ max: 39 }),
  kind: fc.constantFrom("now", "later", "verify", "close", "turn"),
});

test.prop([fc.array(action, { maxLength: 300 })], { numRuns: 40 })(
  "read in any order, at once and later, every file gives its own bytes and comes to an end",
  async (actions) => {
    const { sources } = await openFiles(40);
    const closed = new Set<number>();
    const reading: Promise<unknown>[] = [];
    for (const { file, kind } of actions) {
      const source = sources[file]!;
      if (kind === "turn") await new Promise(setImmediate);
      else if (kind === "verify") reading.push(source.verifyUnchanged());
      else if (closed.has(file)) await refusal(source.read(0, 1), "FILE_UNREADABLE");
      else if (kind === "now") expect(readNow(source)).toBe(`file ${file}`);
      else if (kind === "close") {
        closed.add(file);
        await source.close();
      } else reading.push(source.read(0, source.size).then((bytes) => expect(text(bytes)).toBe(`file ${file}`)));
    }
    await Promise.all(reading);
    expect(openHandles()).toBeLessThanOrEqual(MOST);
    await Promise.all(sources.map((source) => source.close()));
    expect(openHandles()).toBe(0);
  },
);

describe("a process without handles", () => {
  const scarce = () => Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });

  it.each<["open" | "openSync"]>([["open"], ["openSync"]])(
    "closes what nobody uses, and tries again: %s",
    async (how) => {
      const { paths, sources } = await openFiles(3);
      expect(openHandles()).toBe(3);
      let tries = 0;
      const attempt = () => {
        tries += 1;
        if (tries === 1) throw scarce();
        // As good as any number: it is closed, and nothing else.
        expect(openHandles()).toBe(1);
        throw new Error(`tried again for ${paths.length}`);
      };
      const handle = new KeptHandle({ open: async () => attempt(), openSync: attempt });
      const use = how === "open" ? handle.use(async () => 0) : (async () => handle.useSync(() => 0))();
      await expect(use).rejects.toThrow("tried again");
      expect(tries).toBe(2);
      expect(readNow(sources[2]!)).toBe("file 2");
    },
  );

  it("hears of it where nothing can be closed", async () => {
    const refused = () => {
      throw scarce();
    };
    const handle = new KeptHandle({ open: async () => refused(), openSync: refused });
    await expect(handle.use(async () => 0)).rejects.toThrow("EMFILE");
    expect(() => handle.useSync(() => 0)).toThrow("EMFILE");
    expect(openHandles()).toBe(0);
  });
});
