// A scan in a process of its own, to be killed: `node scan-child.mjs DIST ROOT JOURNAL LOG MODE`. Its work is a short
// wait, so that what is killed is mostly the scan itself. LOG gets a line for every target that is begun.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const [dist, root, journal, log, mode] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(dist, "src", "scan", path)).href);
const [{ openJournal }, { scan }, { emptyItem }] = await Promise.all(
  ["journal/journal-store.js", "scan.js", "failure.js"].map(load),
);

const parameters = {
  inputs: [root],
  include: [],
  exclude: [],
  depth: "sampled",
  registry: null,
  keys: [],
  maxBytes: null,
  timeout: null,
  version: "0.0.0-test",
};
const setup = { deterministic: true };
let begun = 0;
const workers = {
  concurrency: 4,
  async process(target) {
    appendFileSync(log, `${target.id}\n`);
    await sleep(begun++ % 3);
    return { ...emptyItem(target), verdict: "no-evidence", summary: `about ${target.name}` };
  },
  close: async () => {},
};

const store = await openJournal(journal, parameters, { mode });
process.stdout.write("ready\n");
const summary = await scan({ locations: [root], organisations: [], list: null }, { store, setup, workers });
await store.close();
process.stdout.write(`${JSON.stringify(summary)}\n`);
