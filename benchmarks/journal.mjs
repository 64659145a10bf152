/**
 * What the journal of a scan costs: every result durable (fsync) before it counts.
 *
 *   node benchmarks/journal.mjs [--items 10000] [--at-a-time 8] [--directory DIRECTORY]
 *
 * Stores results as the scan does, several at a time, opens the journal again and lists it. The reference, in the same run,
 * appends the same lines without any check or fsync. Prints JSON.
 */
import { appendFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openJournal } from "../dist/src/scan/index.js";
import { machine } from "./support/machine.mjs";

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "10000" },
    "at-a-time": { type: "string", default: "8" },
    directory: { type: "string", default: tmpdir() },
  },
});
const count = Number(values.items);
const lanes = Number(values["at-a-time"]);
const parameters = {
  ...{ inputs: ["org:bench"], include: [], exclude: [], depth: "sampled", registry: "ab".repeat(32), keys: [] },
  ...{ maxBytes: null, timeout: null, version: "0.1.0" },
};

function itemOf(i) {
  const id = `hf:bench/model-${String(i).padStart(6, "0")}@${"0123456789".repeat(4)}`;
  const match = { name: "base-3", verdict: "derived", direction: "suspect-from-base", relations: ["fine-tune"] };
  return {
    ...{ id, name: id.slice(3, -41), location: id, revision: "0123456789".repeat(4), content: "cd".repeat(32) },
    ...{ status: "done", duplicateOf: null, failure: null, verdict: "derived", summary: `${id} derives from base-3.` },
    matches: [{ ...match, log10P: -213.8, matchedLayers: 4 }],
    caveats: ["2 of 10 bases were tested exactly, the ones whose codes came closest"],
    ...{ marks: [], sampledRoot: "ef".repeat(32), family: "llama", parameters: 870_000, cached: false },
    ...{ bytesRead: 1_742_736, bytesTotal: 1_742_736, requests: { api: 1, resolve: 1, storage: 3 } },
    ...{ elapsedMs: 90, finishedAt: "2026-01-02T03:04:05.000Z" },
  };
}

async function timed(work) {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, wallMs: performance.now() - start, cpuMs: (user + system) / 1000 };
}

const directory = mkdtempSync(join(values.directory, "weightmark-journal-"));
try {
  const path = join(directory, "journal");
  const store = await openJournal(path, parameters, { mode: "begin" });
  let next = 0;
  const lane = async () => {
    while (next < count) await store.put(itemOf(next++));
  };
  const put = await timed(() => Promise.all(Array.from({ length: lanes }, lane)));
  await store.close();
  const plain = await timed(() => {
    for (let i = 0; i < count; i++) appendFileSync(join(directory, "plain"), `${JSON.stringify(itemOf(i))}\n`);
  });
  const open = await timed(() => openJournal(path, parameters, { mode: "resume" }));
  const list = await timed(async () => {
    let listed = 0;
    for await (const _ of open.result.items()) listed++;
    return listed;
  });
  if (list.result !== count) throw new Error(`${list.result} of ${count} results listed`);
  await open.result.close();
  const each = ({ wallMs, cpuMs }) => ({ wallMs: +(wallMs / count).toFixed(4), cpuMs: +(cpuMs / count).toFixed(4) });
  const report = {
    ...{ machine: machine(), items: count, atATime: lanes, bytesAnItem: Math.round(statSync(path).size / count) },
    eachItem: { put: each(put), withoutCheckOrFsync: each(plain), open: each(open), list: each(list) },
  };
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
} finally {
  rmSync(directory, { recursive: true });
}
