import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../bin/weightmark.js", import.meta.url));
const SERVER = fileURLToPath(new URL("./serve.mjs", import.meta.url));
const USAGE_HOOK = new URL("../support/report-usage.mjs", import.meta.url).href;

/** A stand-in in a process of its own, while `use` runs. */
export async function withHub(options, use) {
  const child = fork(SERVER, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const ask = async (message) => {
    child.send(message);
    return (await once(child, "message"))[0];
  };
  try {
    const { endpoint } = await ask(options);
    return await use({ endpoint, counters: () => ask({ ask: "counters" }) });
  } finally {
    child.kill();
  }
}

/**
 * One scan of an organisation by the command, as users run it, from an empty journal and without a cache.
 *
 * @returns items, summary, wall and processor seconds, peak and growth of memory, what the stand-in counted
 */
export async function runScan(hub, { org, registry, jobs, journalDirectory = tmpdir() }) {
  const work = mkdtempSync(join(journalDirectory, "weightmark-scan-"));
  const args = ["scan", "--hub-org", org, "--registry", registry, "--jobs", String(jobs)];
  args.push("--journal", join(work, "journal"), "--no-cache", "--format", "jsonl", "--no-progress");
  const before = await hub.counters();
  const start = performance.now();
  // Nothing of the user's: neither a token nor a cache of the Hub.
  const env = { ...process.env, HF_ENDPOINT: hub.endpoint, HF_HOME: work, HF_TOKEN: "" };
  const child = spawn(process.execPath, ["--import", USAGE_HOOK, CLI, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let [stderr, usage] = ["", ""];
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  child.stdio[3].on("data", (data) => {
    usage += data;
  });
  const items = [];
  let summary = null;
  let first = null;
  const memory = [];
  const sampler = setInterval(() => memory.push({ items: items.length, bytes: residentBytes(child.pid) }), 250);
  for await (const line of createInterface({ input: child.stdout })) {
    const value = JSON.parse(line);
    if (value.schema === "weightmark/scan-item@1") {
      first ??= performance.now();
      items.push(essence(value));
    } else summary = value;
  }
  clearInterval(sampler);
  const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
  const seconds = (performance.now() - start) / 1000;
  rmSync(work, { recursive: true, force: true });
  // 3: some of the repositories are malformed or gated, as they are meant to be.
  if (![0, 3].includes(code)) throw new Error(`scan ended with ${code}: ${stderr.slice(-2000)}`);
  const after = await hub.counters();
  const served = Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]]));
  return { items, summary, seconds, firstSeconds: (first - start) / 1000, memory, served, ...JSON.parse(usage) };
}

/** What is measured of an item; whole items of 10,000 models would be most of this process's memory. */
function essence({ name, status, verdict, failure, bytesTotal, work }) {
  const counted = { requests: work.requests, bytesRead: Number(work.bytesRead), bytesTotal: Number(bytesTotal) };
  return { name, status, verdict, code: failure?.code ?? null, ...counted };
}

function residentBytes(pid) {
  try {
    return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN);
  } catch {
    return Number.NaN;
  }
}

/** Bytes by which memory grows with each item over the second half of a scan: least squares. */
export function growth(memory, total) {
  const points = memory.filter(({ items, bytes }) => items > total / 2 && Number.isFinite(bytes));
  if (points.length < 4) return null;
  const mean = (key) => points.reduce((sum, point) => sum + point[key], 0) / points.length;
  const [x, y] = [mean("items"), mean("bytes")];
  const covariance = points.reduce((sum, point) => sum + (point.items - x) * (point.bytes - y), 0);
  return covariance / points.reduce((sum, point) => sum + (point.items - x) ** 2, 0);
}
