/**
 * How fast organisations of a Hub are scanned, what it takes of the Hub, and what bounds it.
 *
 *   node benchmarks/scan.mjs [--count 2000] [--jobs 1,2,4] [--items 10000] [--work DIRECTORY] [--only speed,large,memory]
 *   node benchmarks/scan.mjs --quick
 *
 * Runs the command on repositories of make-repositories.mjs that the stand-in serves on loopback from a process of its own,
 * on the same machine: its processor time is the stand-in's share. `speed` scans them with each number of threads, beside
 * plain `fetch` of the same bytes; `latency` again where every answer takes 50 ms; `journal` with the journal in memory
 * instead of on disk. `large` counts requests and bytes of models of real size, `memory` scans many tiny models and says
 * by how much memory grows with each. Prints a table to stderr and JSON to stdout.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeRepositories } from "./scan/make-repositories.mjs";
import { growth, runScan, withHub } from "./scan/run-scan.mjs";
import { machine } from "./support/machine.mjs";
import { runNode } from "./support/process.mjs";
import { round } from "./support/statistics.mjs";

const CLI = fileURLToPath(new URL("../bin/weightmark.js", import.meta.url));
const REFERENCE = fileURLToPath(new URL("./scan/reference.mjs", import.meta.url));
const LATENCY_MS = 50;
const LARGE = [
  { id: "large/one-file-1b", layout: "1b", shards: 1 },
  { id: "large/sharded-7b", layout: "7b", shards: 3 },
  { id: "large/sharded-70b", layout: "70b", shards: 30 },
];

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    count: { type: "string" },
    jobs: { type: "string" },
    items: { type: "string" },
    work: { type: "string" },
    only: { type: "string", default: "speed,large,memory" },
  },
});
const count = Number(values.count ?? (values.quick ? 200 : 2000));
const jobs = (values.jobs ?? (values.quick ? "1,2" : "1,2,4")).split(",").map(Number);
const items = Number(values.items ?? (values.quick ? 300 : 10_000));
const only = new Set(values.only.split(","));

const work = values.work ?? mkdtempSync(join(tmpdir(), "weightmark-bench-scan-"));
const directory = join(work, `repositories-${count}`);
try {
  if (!existsSync(join(directory, "manifest.json"))) makeRepositories(directory, { count });
  const registry = makeRegistry();
  const report = { machine: machine(), repositories: count };
  if (only.has("speed")) Object.assign(report, await measureSpeed(registry));
  if (only.has("large")) report.large = await measureLarge(registry);
  if (only.has("memory")) report.memory = await measureMemory(registry);
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
} finally {
  if (values.work === undefined) rmSync(work, { recursive: true });
}

function makeRegistry() {
  const registry = join(work, `registry-${count}`);
  if (existsSync(registry)) return registry;
  for (let i = 0; i < 10; i++) {
    const base = join(directory, "bases", `base-${i}`);
    execFileSync(process.execPath, [CLI, "registry", "add", base, "--root", "--registry", registry], { stdio: "pipe" });
  }
  return registry;
}

async function measureSpeed(registry) {
  const references = {};
  const scans = [];
  let requests = null;
  await withHub({ directory }, async (hub) => {
    for (const kind of ["none", "sha256"]) {
      const { stdout } = await runNode([REFERENCE, hub.endpoint, directory, kind]);
      const { seconds, cpuSeconds, models, bytes } = JSON.parse(stdout);
      const name = kind === "none" ? "fetch" : "fetch and SHA-256";
      const rate = { modelsPerSecond: round(models / seconds), mbPerSecond: round(bytes / seconds / 1e6) };
      references[name] = { seconds: round(seconds), cpuSeconds: round(cpuSeconds), ...rate };
      tell(name, references[name]);
    }
    for (const threads of jobs) {
      const run = await runScan(hub, { org: "bench", registry, jobs: threads });
      scans.push({ jobs: threads, ...figures(run) });
      tell(`scan, ${threads} threads`, scans.at(-1));
      requests ??= { ...perKind(run.items), ...answers(run.items) };
    }
    if (existsSync("/dev/shm")) {
      const run = await runScan(hub, { org: "bench", registry, jobs: jobs.at(-1), journalDirectory: "/dev/shm" });
      scans.push({ jobs: jobs.at(-1), journal: "in memory", ...figures(run) });
      tell(`scan, ${jobs.at(-1)} threads, journal in memory`, scans.at(-1));
    }
  });
  await withHub({ directory, latencyMs: LATENCY_MS }, async (hub) => {
    const run = await runScan(hub, { org: "bench", registry, jobs: jobs.at(-1) });
    scans.push({ jobs: jobs.at(-1), latencyMs: LATENCY_MS, ...figures(run) });
    tell(`scan, ${jobs.at(-1)} threads, ${LATENCY_MS} ms an answer`, scans.at(-1));
  });
  return { references, scans, requests };
}

/** Rates over the whole run, start of Node and listing included; cores kept busy by the scan and by the stand-in. */
function figures({ items, seconds, cpuSeconds, rssBytes, served, firstSeconds }) {
  const read = items.filter(({ status }) => status === "done").length;
  return {
    seconds: round(seconds),
    firstItemSeconds: round(firstSeconds),
    items: items.length,
    itemsPerSecond: round(items.length / seconds),
    modelsReadPerSecond: round(read / seconds),
    cpuMsPerModelRead: round((1000 * cpuSeconds) / read),
    busyCores: { scan: round(cpuSeconds / seconds), standIn: round(served.cpuSeconds / seconds) },
    peakRssMb: Math.round(rssBytes / 1e6),
    served: { api: served.api, resolve: served.resolve, storage: served.storage, mb: round(served.bytes / 1e6) },
  };
}

/** Means of what each kind of repository takes, as the items say. */
function perKind(all) {
  const kindOf = ({ name }) => name.slice("bench/".length).replace(/-\d+$/, "");
  const result = {};
  for (const kind of [...new Set(all.map(kindOf))].sort()) {
    const own = all.filter((item) => kindOf(item) === kind);
    const mean = (of) => round(own.reduce((sum, item) => sum + of(item), 0) / own.length);
    result[kind] = {
      items: own.length,
      api: mean((item) => item.requests.api),
      resolve: mean((item) => item.requests.resolve),
      storage: mean((item) => item.requests.storage),
      mb: mean((item) => item.bytesRead / 1e6),
    };
  }
  return result;
}

/**
 * Whether the answers are those that the making of the repositories calls for: speed of wrong answers is worth nothing.
 * The bases are initial weights that nobody trained, so what was made of them may be called shared-init.
 */
function answers(all) {
  const { repositories } = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
  const kinds = new Map(repositories.map(({ name, kind, of }) => [`bench/${name}`, { kind, of }]));
  const related = (name) => {
    const { kind, of } = kinds.get(name);
    return of === undefined ? /fine-tune|lora/.test(kind) : related(`bench/${of}`);
  };
  const wrong = all.filter(({ name, status, verdict }) => {
    const { kind } = kinds.get(name);
    if (["empty", "gated", "malformed"].includes(kind)) return status !== "skipped" && status !== "failed";
    const found = ["identical", "recast", "derived", "shared-init"].includes(verdict);
    return (status !== "done" && status !== "duplicate") || found !== related(name);
  });
  return { wrongAnswers: wrong.length, wrong: wrong.slice(0, 5) };
}

async function measureLarge(registry) {
  return withHub({ large: LARGE }, async (hub) => {
    const { items, seconds, cpuSeconds, rssBytes } = await runScan(hub, { org: "large", registry, jobs: 1 });
    const rows = items.map(({ name, code, requests, bytesRead, bytesTotal }) => {
      return { name, code, ...requests, mbRead: round(bytesRead / 1e6), gbTotal: round(bytesTotal / 1e9) };
    });
    for (const row of rows) tell(row.name, row);
    return { seconds: round(seconds), cpuSeconds: round(cpuSeconds), peakRssMb: Math.round(rssBytes / 1e6), rows };
  });
}

async function measureMemory(registry) {
  const large = Array.from({ length: items }, (_, i) => ({ id: `tiny/model-${i}`, layout: "tiny", shards: 1 }));
  return withHub({ large }, async (hub) => {
    const run = await runScan(hub, { org: "tiny", registry, jobs: jobs.at(-1) });
    const slope = growth(run.memory, items);
    const result = { ...figures(run), bytesPerItem: slope === null ? null : Math.round(slope) };
    tell(`memory over ${items} tiny models`, result);
    return result;
  });
}

function tell(name, row) {
  const cells = Object.entries(row).filter(([, value]) => value !== null && typeof value !== "object");
  process.stderr.write(`${name.padEnd(44)} ${cells.map(([key, value]) => `${key} ${value}`).join("  ")}\n`);
}
