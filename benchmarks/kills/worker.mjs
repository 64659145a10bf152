/**
 * `worker`: the jobs of a scan in PostgreSQL, whose workers are killed up to three times before one goes on to the end. After
 * each kill no result differs from that of an undisturbed scan; in the end every model has its one result and was handed out
 * once, and nothing waits in the queue. The last worker is told to stop, and ends. Workers take the jobs of a lost one over
 * after a second, in place of 45.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { remoteSettings } from "../../dist/src/index.js";
import { openScanDatabase, prepareScan, sharedScan } from "../../dist/src/scan/index.js";
import { difference, makeModel, momentIn } from "./harness.mjs";
import { start, succeed } from "./process.mjs";

const WORKER = fileURLToPath(new URL("../../tests/support/worker-child.mjs", import.meta.url));
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const MODELS = 10;
const MOST_IN_A_ROW = 3;
/** Tries of a job: a few kills may hit the same one, and that is no reason to give it up here. */
const TRIES = 100;
/** A worker that is told to stop has this long, milliseconds. */
const DEAF_MS = 120_000;

/** The jobs of a new scan of all models, in a database of its own. */
async function beginScan(server, work) {
  const url = await server.createDatabase();
  const inputs = { locations: [join(work, "models")], organisations: [], list: null };
  const { parameters } = await prepareScan(inputs, {
    ...{ version, registry: join(work, "bases"), keys: null, include: [], exclude: [], cacheDirectory: null },
    ...{ depth: "sampled", maxBytes: null, timeout: null, deterministic: true },
    remote: remoteSettings({}, { offline: true }),
  });
  const database = await openScanDatabase(url);
  const store = await database.startScan(parameters);
  const queue = await database.openQueue({ leaseSeconds: 1, retryDelaySeconds: 0, tries: TRIES });
  const handedOut = [];
  const onItem = ({ id }) => void handedOut.push(id);
  const over = { summary: null };
  const summary = sharedScan(inputs, { store, queue, scan: store.scan, deterministic: true, pollMs: 50, onItem });
  const ended = summary.then((done) => {
    over.summary = done;
  });
  return {
    url,
    handedOut,
    over,
    ended,
    counts: () => queue.counts(store.scan),
    async items() {
      const items = new Map();
      // Workers tell times, and no two scans take the same.
      for await (const item of store.items()) {
        items.set(item.id, JSON.stringify({ ...item, finishedAt: null, elapsedMs: null }));
      }
      return items;
    },
    async close() {
      await queue.close();
      await database.close();
      await server.dropDatabase(url);
    },
  };
}

function startWorker({ url }, work) {
  const settings = { database: url, registry: join(work, "bases"), version, leaseSeconds: 1, threads: 1 };
  return start([WORKER, JSON.stringify(settings)]);
}

/** Tells a worker to stop; how it ended. */
async function stop({ child, said, ended, kill }) {
  // Before that a signal ends it as it ends any process.
  while (!said.stdout.includes('"ready"') && child.exitCode === null) await sleep(20);
  const deaf = setTimeout(kill, DEAF_MS);
  child.kill("SIGTERM");
  const result = await ended;
  clearTimeout(deaf);
  return result;
}

/** Ids that a worker says it took, or stored, as far as it came. */
function toldOf(type, { stdout }) {
  const lines = stdout
    .slice(0, stdout.lastIndexOf("\n") + 1)
    .split("\n")
    .filter(Boolean);
  return lines.map((line) => JSON.parse(line)).filter((event) => event.type === type);
}

export async function killWorker({ work, kills, random, server }) {
  for (let i = 0; i < MODELS; i++) makeModel(join(work, "models", `m${i}`), i + 1);
  const bases = ["m0", "m3"].map((name) => join(work, "models", name));
  await succeed(["registry", "add", ...bases, "--root", "--registry", join(work, "bases")]);
  const undisturbed = await beginScan(server, work);
  const began = performance.now();
  const first = startWorker(undisturbed, work);
  await undisturbed.ended;
  const ms = performance.now() - began;
  const whole = await undisturbed.items();
  const firstEnd = await stop(first);
  if (firstEnd.code !== 0 || whole.size !== MODELS) throw new Error(`${whole.size} results; ${firstEnd.stderr}`);
  await undisturbed.close();

  const found = { before: 0, during: 0, after: 0 };
  const wrong = [];
  let scans = 0;
  let [takenAgain, doneTwice] = [0, 0];
  for (let kill = 0; kill < kills; scans++) {
    const scan = await beginScan(server, work);
    const complain = (what) => wrong.push(`scan ${scans}, ${kill} kills: ${what}`);
    const judge = async () => {
      const items = await scan.items();
      for (const [id, item] of items) {
        if (item !== whole.get(id)) complain(`${id}: ${difference(item, whole.get(id) ?? "nothing")}`);
      }
      return items.size;
    };
    const until = Math.min(kills, kill + 1 + Math.floor(random() * MOST_IN_A_ROW));
    for (; kill < until; kill++) {
      const worker = startWorker(scan, work);
      await Promise.race([worker.ended, sleep(momentIn(ms, random))]);
      worker.kill();
      const { code, stderr } = await worker.ended;
      if (code !== null) complain(`a worker ended by itself: exit code ${code}, ${stderr}`);
      const count = await judge();
      found[count === 0 ? "before" : count < MODELS ? "during" : "after"] += 1;
    }
    const last = startWorker(scan, work);
    await Promise.race([scan.ended, once(last.child, "exit")]);
    // What a killed worker had stored, and not told the queue, is over when its lease is.
    while (scan.over.summary !== null && last.child.exitCode === null) {
      const { waiting, active } = await scan.counts();
      if (waiting + active === 0) break;
      await sleep(50);
    }
    const end = await stop(last);
    if (end.code !== 0) complain(`the last worker: exit code ${end.code}, ${end.stderr}`);
    if (scan.over.summary === null) throw new Error(`the last worker did not get through: ${end.stderr}`);
    const { summary } = scan.over;
    if (!summary.complete || summary.failed > 0) complain(`summary: ${JSON.stringify(summary)}`);
    if ((await judge()) !== MODELS) complain("results are missing");
    if (scan.handedOut.length !== MODELS || new Set(scan.handedOut).size !== MODELS) {
      complain(`handed out: ${scan.handedOut.join(", ")}`);
    }
    const { done, failed } = await scan.counts();
    if (done !== MODELS || failed > 0) complain(`the queue counts ${done} done and ${failed} failed`);
    takenAgain += toldOf("taken", end).filter(({ attempt }) => attempt > 1).length;
    doneTwice += toldOf("item", end).filter(({ stored }) => !stored).length + toldOf("unwanted", end).length;
    await scan.close();
  }
  return { kills, scans, models: MODELS, undisturbedMs: Math.round(ms), found, takenAgain, doneTwice, wrong };
}
