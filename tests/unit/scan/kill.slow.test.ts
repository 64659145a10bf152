import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, linkSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { prng } from "../../../src/numerics/prng.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import { parametersOf } from "../../support/scan-items.ts";
import { modelTree } from "../../support/scan-run.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const DIST = process.env.WEIGHTMARK_TEST_DIST ?? join(import.meta.dirname, "../../../dist");
const CHILD = join(import.meta.dirname, "../../support/scan-child.mjs");
const KILLS = 50;
/** Longest life of a scan after it has opened its journal, milliseconds; undisturbed, one takes longer. */
const LONGEST_MS = 60;

interface Scan {
  readonly root: string;
  readonly journal: string;
  readonly log: string;
}

function start({ root, journal, log }: Scan): ChildProcess {
  const mode = existsSync(journal) ? "resume" : "begin";
  return spawn(process.execPath, [CHILD, DIST, root, journal, log, mode], { stdio: ["ignore", "pipe", "inherit"] });
}

const exited = (child: ChildProcess) => new Promise<void>((resolve) => child.once("exit", () => resolve()));

/** Kills a scan so long after it is ready, never where that is null; false when it was faster. */
async function kill(scan: Scan, afterMs: number | null): Promise<boolean> {
  const child = start(scan);
  const gone = exited(child);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  await lines.next();
  if (afterMs === null) {
    await gone;
    return false;
  }
  await sleep(afterMs);
  const killed = child.kill("SIGKILL");
  await gone;
  return killed && child.signalCode === "SIGKILL";
}

async function resultsOf(journal: string, root: string): Promise<ScanItem[]> {
  const store = await openJournal(journal, parametersOf({ inputs: [root] }), { mode: "resume" });
  const items: ScanItem[] = [];
  for await (const item of store.items()) items.push(item);
  await store.close();
  return items;
}

/** Ids that were begun, in order. */
const begunIn = (log: string) => (existsSync(log) ? readFileSync(log, "utf8").split("\n").filter(Boolean) : []);

it(`survives ${KILLS} kills: nothing is lost, and nothing that was stored is done again`, async () => {
  const seed = Number(process.env.WEIGHTMARK_SEED ?? Date.now() % 2 ** 31);
  console.info(`seed ${seed}: WEIGHTMARK_SEED=${seed} repeats the delays`);
  const random = prng(`kill ${seed}`);
  const directory = temporaryDirectory();
  const root = modelTree(
    join(directory, "models"),
    Array.from({ length: 60 }, (_, i) => `m${String(i).padStart(2, "0")}`),
  );
  for (let i = 60; i < 80; i++) {
    mkdirSync(join(root, `m${i}`));
    linkSync(join(root, `m${i - 40}/model.safetensors`), join(root, `m${i}/model.safetensors`));
  }
  const scanCalled = (name: string): Scan => {
    return { root, journal: join(directory, `${name}.jsonl`), log: join(directory, `${name}.log`) };
  };
  const undisturbed = scanCalled("undisturbed");
  await exited(start(undisturbed));
  const expected = await resultsOf(undisturbed.journal, root);
  expect(expected.length).toBe(80);
  expect(expected.filter(({ status }) => status === "duplicate").length).toBe(20);

  let kills = 0;
  for (let round = 0; kills < KILLS; round++) {
    expect(round).toBeLessThan(KILLS);
    const scan = scanCalled(`killed-${round}`);
    for (;;) {
      const stored = new Set(existsSync(scan.journal) ? (await resultsOf(scan.journal, root)).map(({ id }) => id) : []);
      const before = begunIn(scan.log).length;
      // The last one runs to its end, which on a busy machine may always take longer than scans are left alone.
      const killed = await kill(scan, kills < KILLS ? random.float() * LONGEST_MS : null);
      const again = begunIn(scan.log)
        .slice(before)
        .filter((id) => stored.has(id));
      expect(again).toEqual([]);
      if (!killed) break;
      kills += 1;
    }
    expect(await resultsOf(scan.journal, root)).toEqual(expected);
  }
});
