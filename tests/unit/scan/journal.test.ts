import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import type { ResultStore } from "../../../src/scan/result-store.ts";
import { leaveBehind, onLinux } from "../../support/left-behind.ts";
import { resultStoreContract } from "../../support/result-store.contract.ts";
import { parametersOf } from "../../support/scan-items.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const directory = scratchDirectory();
const paths = new Map<ResultStore, string>();

resultStoreContract("a journal", {
  async create(parameters) {
    const path = join(directory, `${paths.size}.jsonl`);
    const store = await openJournal(path, parameters);
    paths.set(store, path);
    return store;
  },
  async reopen(store) {
    const again = await openJournal(paths.get(store)!, store.parameters, { mode: "resume" });
    paths.set(again, paths.get(store)!);
    return again;
  },
});

it.runIf(onLinux)("a journal that is gone on with rids its place of what killed scans left", async () => {
  const place = temporaryDirectory();
  const parameters = parametersOf({ inputs: [place] });
  await (await openJournal(join(place, "journal"), parameters)).close();
  leaveBehind(place);
  await (await openJournal(join(place, "journal"), parameters, { mode: "resume" })).close();
  expect(readdirSync(place)).toEqual(["journal"]);
});
