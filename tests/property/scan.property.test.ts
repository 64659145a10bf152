import { linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { ScanItem } from "../../src/scan/item.ts";
import { openJournal } from "../../src/scan/journal/journal-store.ts";
import { nameFilter } from "../../src/scan/name-filter.ts";
import { scan } from "../../src/scan/scan.ts";
import { parametersOf } from "../support/scan-items.ts";
import { fakeWorkers, inputsOf, modelTree, setupOf } from "../support/scan-run.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";

const directory = scratchDirectory();
let journals = 0;

/** Eight models; the last four are the first two under other names. */
function tree(): string {
  const root = modelTree(join(directory, "models"), ["m0", "m1", "m2", "m3"]);
  for (const n of [4, 5, 6, 7]) {
    mkdirSync(join(root, `m${n}`));
    linkSync(join(root, `m${n % 2}/model.safetensors`), join(root, `m${n}/model.safetensors`));
  }
  return root;
}
const root = tree();

interface Story {
  /** Turns of the event loop that each model takes. */
  readonly turns: readonly number[];
  readonly concurrency: number;
  /** After how many begun targets each run is stopped; the last run is not. */
  readonly stops: readonly number[];
}

async function tell({ turns, concurrency, stops }: Story): Promise<ScanItem[]> {
  const journal = join(directory, `${journals++}.jsonl`);
  for (const stopAt of [...stops, Number.POSITIVE_INFINITY]) {
    const store = await openJournal(journal, parametersOf(), { mode: "resume" });
    const stop = new AbortController();
    let begun = 0;
    const workers = fakeWorkers(async ({ name }) => {
      if (++begun >= stopAt) stop.abort();
      for (let i = 0; i < (turns[Number(name.slice(1))] ?? 0); i++) await turn();
      return { parameters: 10 + Number(name.slice(1)) };
    }, concurrency);
    const summary = await scan(inputsOf(root), { store, setup: setupOf(), workers, signal: stop.signal });
    const items: ScanItem[] = [];
    for await (const item of store.items()) items.push(item);
    await store.close();
    if (summary.complete) return items;
  }
  throw new Error("a scan that was not stopped did not complete");
}

describe("scans", () => {
  test.prop(
    [
      fc.record({
        turns: fc.array(fc.nat(20), { minLength: 8, maxLength: 8 }),
        concurrency: fc.integer({ min: 1, max: 9 }),
        stops: fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 3 }),
      }),
    ],
    { numRuns: 25 },
  )("come to the same results, in whatever order they finish and wherever they are stopped", async (story) => {
    expect(await tell(story)).toEqual(await tell({ turns: [], concurrency: 1, stops: [] }));
  });
});

describe("globs", () => {
  const name = fc.stringMatching(/^[a-c/*?[\]{},!\\-]{0,12}$/);

  test.prop([name, name])("never throw, and * takes every name without slashes", (glob, text) => {
    nameFilter({ include: [glob], exclude: [] })(text);
    expect(nameFilter({ include: ["**"], exclude: [] })(text)).toBe(true);
    expect(nameFilter({ include: ["*"], exclude: [] })(text)).toBe(true);
  });

  test.prop([fc.stringMatching(/^[a-c/]{0,10}$/)])("take a name that is written out with backslashes", (text) => {
    const escaped = [...text].map((char) => (char === "/" ? char : `\\${char}`)).join("");
    if (text.startsWith("/")) return;
    expect(nameFilter({ include: [escaped], exclude: [] })(text)).toBe(true);
  });
});
