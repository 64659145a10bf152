import { appendFileSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ownHolder, ownSpace } from "../../../src/registry/lock-holder.ts";
import type { JournalHandle } from "../../../src/scan/journal/append.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import type { ResultStore } from "../../../src/scan/result-store.ts";
import { scan } from "../../../src/scan/scan.ts";
import { refusal } from "../../support/refusal.ts";
import { itemOf, parametersOf } from "../../support/scan-items.ts";
import { fakeWorkers, inputsOf, modelTree, setupOf } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

type Fault = "ENOSPC" | "EIO" | "short" | "none" | "sync";

/** A file whose `at`th write goes wrong, and all after it. */
function faulty(fault: Fault, at: number) {
  let writes = 0;
  let syncs = 0;
  const error = (code: string) => Object.assign(new Error(`${code}: injected`), { code });
  return async (path: string): Promise<JournalHandle> => {
    const handle = await open(path, "r+");
    return {
      read: (target, offset, length, position) => handle.read(target, offset, length, position),
      async write(bytes, offset, length, position) {
        if (++writes < at || fault === "sync") return handle.write(bytes, offset, length, position);
        if (fault === "none") return { bytesWritten: 0 };
        // Half of it reaches the disk, then no more.
        await handle.write(bytes, offset, Math.ceil(length / 2), position);
        if (fault === "short" && writes === at) return { bytesWritten: Math.ceil(length / 2) };
        throw error(fault === "short" ? "ENOSPC" : fault);
      },
      async datasync() {
        if (fault === "sync" && ++syncs >= at) throw error("EIO");
        await handle.datasync();
      },
      truncate: (length) => handle.truncate(length),
      close: () => handle.close(),
    };
  };
}

async function idsIn(journal: string): Promise<string[]> {
  const store = await openJournal(journal, parametersOf(), { mode: "resume" });
  const ids: string[] = [];
  for await (const { id } of store.items()) ids.push(id);
  await store.close();
  return ids;
}

async function filled(journal: string, ids: readonly string[]): Promise<ResultStore> {
  const store = await openJournal(journal, parametersOf());
  for (const id of ids) await store.put(itemOf(id));
  return store;
}

describe("a disk that takes no more", () => {
  const faults = (["ENOSPC", "EIO", "short", "none", "sync"] as const).flatMap((fault) =>
    [1, 2, 3, 5, 8].map((at) => [fault, at] as const),
  );

  it.each(faults)("%s at write %d: what was acknowledged is there, what was not is not", async (fault, at) => {
    const journal = join(temporaryDirectory(), "journal");
    const store = await openJournal(journal, parametersOf(), { open: faulty(fault, at) });
    const acknowledged: string[] = [];
    let refused = 0;
    for (let i = 0; i < 12; i += 2) {
      const pair = [`t${10 + i}`, `t${11 + i}`].map(async (id) => {
        try {
          if (await store.put(itemOf(id))) acknowledged.push(id);
        } catch (error) {
          expect(error).toMatchObject({ code: "WRITE_FAILED", file: journal });
          refused += 1;
        }
      });
      await Promise.all(pair);
    }
    await store.close();
    expect(acknowledged.length + refused).toBe(12);
    // A short write goes on where it stopped, and only the next one fails.
    if (at <= 5) expect(refused).toBeGreaterThan(0);
    expect(await idsIn(journal)).toEqual(acknowledged);
    // It goes on from there.
    const again = await openJournal(journal, parametersOf(), { mode: "resume" });
    expect(await again.put(itemOf("z"))).toBe(true);
    await again.close();
    expect(await idsIn(journal)).toEqual([...acknowledged, "z"]);
  });

  it("stops the scan, which goes on when there is room again", async () => {
    const directory = temporaryDirectory();
    const root = modelTree(join(directory, "models"), ["a", "b", "c", "d", "e", "f", "g", "h"]);
    const journal = join(directory, "journal");
    const parameters = parametersOf();
    const full = await openJournal(journal, parameters, { open: faulty("ENOSPC", 4) });
    const workers = fakeWorkers(undefined, 1);
    await refusal(scan(inputsOf(root), { store: full, setup: setupOf(), workers }), "WRITE_FAILED");
    await full.close();
    const stored = await idsIn(journal);
    expect(stored.length).toBeGreaterThan(0);
    const store = await openJournal(journal, parameters, { mode: "resume" });
    const more = fakeWorkers();
    const summary = await scan(inputsOf(root), { store, setup: setupOf(), workers: more });
    expect(summary).toMatchObject({ complete: true, read: 8 });
    expect(more.begun.filter((id) => stored.includes(id))).toEqual([]);
    await store.close();
  });

  it("says so before it begins", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "file"), "");
    await refusal(openJournal(join(directory, "file", "journal"), parametersOf()), "WRITE_FAILED");
  });
});

describe("what lies on disk", () => {
  async function journalOf(...ids: string[]): Promise<string> {
    const journal = join(temporaryDirectory(), "journal");
    await (await filled(journal, ids)).close();
    return journal;
  }

  it("loses a last line that was cut off at any byte, and nothing else", async () => {
    const journal = await journalOf("a", "b");
    const whole = readFileSync(journal);
    const lineStart = whole.lastIndexOf(10, whole.length - 2) + 1;
    for (let end = lineStart; end < whole.length; end += 41) {
      const cut = `${journal}-${end}`;
      writeFileSync(cut, whole.subarray(0, end));
      const store = await openJournal(cut, parametersOf(), { mode: "resume" });
      expect(await store.put(itemOf("c"))).toBe(true);
      await store.close();
      expect(await idsIn(cut)).toEqual(["a", "c"]);
    }
  });

  it("loses a tail of zeros, as a power cut leaves it", async () => {
    const journal = await journalOf("a", "b");
    appendFileSync(journal, Buffer.alloc(5000));
    expect(await idsIn(journal)).toEqual(["a", "b"]);
    const partly = await journalOf("a", "b");
    appendFileSync(partly, Buffer.concat([Buffer.alloc(100), Buffer.from("x\n"), Buffer.alloc(10)]));
    expect(await idsIn(partly).catch(({ code }) => code)).toEqual(["a", "b"]);
  });

  it("is refused when any byte of a whole line is another", async () => {
    const journal = await journalOf("a", "b", "c");
    const whole = readFileSync(journal);
    for (let at = 0; at < whole.length; at += 17) {
      if (whole[at] === 10) continue;
      const altered = `${journal}-${at}`;
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1;
      writeFileSync(altered, bytes);
      await refusal(openJournal(altered, parametersOf(), { mode: "resume" }), "SCAN_JOURNAL_CORRUPT");
    }
  });

  it("is refused with the number of the line, whichever byte of it is another", async () => {
    const journal = await journalOf("a", "b", "c");
    const whole = readFileSync(journal);
    const starts = [0, ...[...whole.keys()].filter((i) => whole[i] === 10).map((i) => i + 1)];
    for (const [number, start] of [
      [1, starts[0]!],
      [3, starts[2]!],
    ] as const) {
      // All of the check and what stands around it, of which no check can tell.
      for (let at = start; at < start + 60; at++) {
        const bytes = Buffer.from(whole);
        bytes[at]! ^= 2;
        writeFileSync(journal, bytes);
        const error = await refusal(openJournal(journal, parametersOf(), { mode: "resume" }), "SCAN_JOURNAL_CORRUPT");
        expect(error.message, String(at)).toMatch(new RegExp(`\\bline ${number}\\b`));
        expect(error.detail).toMatch(/`journal`/);
      }
    }
  });

  it("is refused when lines were left out, exchanged or added", async () => {
    const journal = await journalOf("a", "b", "c");
    const [header, a, b, c] = readFileSync(journal, "utf8").split("\n") as [string, string, string, string];
    for (const [i, lines] of [
      [header, b, c],
      [header, b, a, c],
      [header, a, a, b, c],
      [a, b],
      [header, a, "{}"],
    ].entries()) {
      const altered = `${journal}-${i}`;
      writeFileSync(altered, `${lines.join("\n")}\n`);
      await refusal(openJournal(altered, parametersOf(), { mode: "resume" }), "SCAN_JOURNAL_CORRUPT");
    }
  });

  it("is never replaced when it is no journal, whatever was asked for", async () => {
    const path = join(temporaryDirectory(), "thesis.tex");
    for (const text of ["\\documentclass{article}\n", "no line end", "{}\n", '{"check":"x"}\n']) {
      for (const mode of ["begin", "resume", "restart"] as const) {
        writeFileSync(path, text);
        await refusal(openJournal(path, parametersOf(), { mode }), "SCAN_JOURNAL_CORRUPT");
        expect(readFileSync(path, "utf8")).toBe(text);
      }
    }
    const directory = temporaryDirectory();
    await refusal(openJournal(directory, parametersOf()), "NOT_A_REGULAR_FILE");
  });

  it("may be an empty file, as mktemp makes one", async () => {
    const path = join(temporaryDirectory(), "journal");
    writeFileSync(path, "");
    await (await filled(path, ["a"])).close();
    expect(await idsIn(path)).toEqual(["a"]);
  });

  it("notices when it is changed while it is open", async () => {
    const journal = join(temporaryDirectory(), "journal");
    const store = await filled(journal, ["a", "b"]);
    writeFileSync(journal, readFileSync(journal, "utf8").replace('"id":"b"', '"id":"x"'));
    await refusal(store.get("b"), "SCAN_JOURNAL_CORRUPT");
    writeFileSync(journal, "");
    await refusal(store.get("a"), "SCAN_JOURNAL_CORRUPT");
    await store.close();
  });

  it("does not read a line without end into memory", async () => {
    const journal = await journalOf("a");
    appendFileSync(journal, Buffer.alloc(5 << 20, "x"));
    await refusal(openJournal(journal, parametersOf(), { mode: "resume" }), "SCAN_JOURNAL_CORRUPT");
  });
});

describe("who may write", () => {
  it("is one at a time, and the second is told at once", async () => {
    const journal = join(temporaryDirectory(), "journal");
    const store = await filled(journal, ["a"]);
    for (const mode of ["begin", "resume", "restart"] as const) {
      await refusal(openJournal(journal, parametersOf(), { mode }), "SCAN_JOURNAL_LOCKED");
    }
    expect(await store.put(itemOf("b"))).toBe(true);
    await store.close();
    expect(existsSync(`${journal}.lock`)).toBe(false);
    expect(await idsIn(journal)).toEqual(["a", "b"]);
  });

  it("may go on after a process that died with the lock", async () => {
    const journal = join(temporaryDirectory(), "journal");
    await (await filled(journal, ["a"])).close();
    const dead = { ...ownHolder(ownSpace(), "x"), pid: 2 ** 22 + 1, started: "1" };
    writeFileSync(`${journal}.lock`, JSON.stringify(dead));
    expect(await idsIn(journal)).toEqual(["a"]);
  });

  it("may not go on when another process took the lock over", async () => {
    const journal = join(temporaryDirectory(), "journal");
    const store = await filled(journal, ["a"]);
    const other = JSON.stringify({ ...ownHolder(ownSpace(), "other"), pidNamespace: "pid:[1]" });
    writeFileSync(`${journal}.lock`, other);
    await refusal(store.put(itemOf("b")), "SCAN_JOURNAL_LOCKED");
    await refusal(store.finish(), "SCAN_JOURNAL_LOCKED");
    await store.close();
    expect(readFileSync(`${journal}.lock`, "utf8")).toBe(other);
    rmSync(`${journal}.lock`);
    expect(await idsIn(journal)).toEqual(["a"]);
  });

  it("gives the lock back when the journal cannot be opened", async () => {
    const journal = join(temporaryDirectory(), "journal");
    await (await filled(journal, ["a"])).close();
    await refusal(openJournal(journal, parametersOf()), "SCAN_UNFINISHED");
    await refusal(openJournal(journal, parametersOf({ depth: "full" }), { mode: "resume" }), "SCAN_DIFFERS");
    expect(existsSync(`${journal}.lock`)).toBe(false);
    expect(await idsIn(journal)).toEqual(["a"]);
  });

  it("begins anew where that is asked for, or where nothing is lost", async () => {
    const journal = join(temporaryDirectory(), "journal");
    await (await filled(journal, ["a"])).close();
    copyFileSync(journal, `${journal}-2`);
    await (await openJournal(journal, parametersOf({ depth: "full" }), { mode: "restart" })).close();
    // Without a result it is as good as none.
    await (await openJournal(journal, parametersOf())).close();
    expect(await idsIn(journal)).toEqual([]);
    const complete = await openJournal(`${journal}-2`, parametersOf(), { mode: "resume" });
    await complete.finish();
    await complete.close();
    expect(await idsIn(`${journal}-2`)).toEqual(["a"]);
    await (await openJournal(`${journal}-2`, parametersOf())).close();
    expect(await idsIn(`${journal}-2`)).toEqual([]);
  });

  it("makes the directory that the journal lies in", async () => {
    const directory = temporaryDirectory();
    await mkdir(join(directory, "a"));
    await (await filled(join(directory, "a/b/c/journal"), ["a"])).close();
    expect(await idsIn(join(directory, "a/b/c/journal"))).toEqual(["a"]);
  });
});
