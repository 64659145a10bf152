import { join } from "node:path";
import { openJournal } from "../../../src/scan/journal/journal-store.ts";
import type { ResultStore } from "../../../src/scan/result-store.ts";
import { resultStoreContract } from "../../support/result-store.contract.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

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
