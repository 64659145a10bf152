import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, expect, it } from "vitest";
import { remoteSettings } from "../../src/index.ts";
import { openScanDatabase, prepareScan, sharedScan, type WorkerEvent } from "../../src/scan/index.ts";
import { NODE, runCommand, startCommand } from "../support/command.ts";
import { describeWithPostgres } from "../support/postgres.ts";
import { parseExposition } from "../support/prometheus-text.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

const CHILD = fileURLToPath(new URL("../support/worker-child.mjs", import.meta.url));
const MODELS = 30;
const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

beforeAll(async () => {
  mkdirSync(at("models"));
  for (let i = 0; i < MODELS; i++) writeModel(at("models", `m${String(i).padStart(2, "0")}`), tinyModel(i + 1));
  for (const [bases, model] of [["bases", "m00"] as const, ["others", "m01"] as const]) {
    const added = await runCommand(["registry", "add", `models/${model}`, "--registry", bases], { cwd: root });
    expect(added, added.stderr).toMatchObject({ exitCode: 0 });
  }
});

const endings: (() => Promise<unknown>)[] = [];

function startWorker(database: string, more: object = {}) {
  const settings = JSON.stringify({ database, registry: at("bases"), version, ...more });
  const child = spawn(NODE, [CHILD, settings], { stdio: ["ignore", "pipe", "inherit"] });
  const events: WorkerEvent[] = [];
  const ended = once(child, "close");
  const listeners = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    events.push(JSON.parse(line) as WorkerEvent);
    for (const listener of listeners) listener();
  });
  const until = (type: WorkerEvent["type"]) =>
    new Promise<WorkerEvent>((resolve) => {
      const look = () => {
        const found = events.find((event) => event.type === type);
        if (found === undefined) return;
        listeners.delete(look);
        resolve(found);
      };
      listeners.add(look);
      look();
    });
  endings.push(() => {
    child.kill("SIGKILL");
    return ended;
  });
  return { child, events, ended, until, items: () => events.filter((event) => event.type === "item") };
}

afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** Puts all models into the queue and waits for what comes of them. */
async function scanAll(url: string, leaseSeconds = 30) {
  const inputs = { locations: [at("models")], organisations: [], list: null };
  const { parameters } = await prepareScan(inputs, {
    ...{ version, registry: at("bases"), keys: null, include: [], exclude: [], cacheDirectory: null },
    ...{ depth: "sampled", maxBytes: null, timeout: null, deterministic: true },
    remote: remoteSettings({}, { offline: true }),
  });
  const database = await openScanDatabase(url);
  const store = await database.startScan(parameters);
  const queue = await database.openQueue({ leaseSeconds, retryDelaySeconds: 0 });
  const summary = await sharedScan(inputs, { store, queue, scan: store.scan, deterministic: true, pollMs: 50 });
  await queue.close();
  await database.close();
  return summary;
}

describeWithPostgres("workers", (server) => {
  it("share a scan, each model once; end on SIGTERM; tell Prometheus and probes", async () => {
    const url = await server.createDatabase();
    const pair = [startWorker(url), startWorker(url)];
    const ready = await Promise.all(pair.map(({ until }) => until("ready")));
    const summary = await scanAll(url);
    expect(summary, JSON.stringify(summary)).toMatchObject({ read: MODELS, complete: true });
    const ids = pair.flatMap(({ items }) => items().map((event) => (event.type === "item" ? event.item.id : "")));
    expect(new Set(ids).size).toBe(MODELS);
    expect(ids).toHaveLength(MODELS);

    const first = ready[0]!;
    const address = `http://127.0.0.1:${first.type === "ready" ? first.metrics : 0}`;
    const samples = parseExposition(await (await fetch(`${address}/metrics`)).text());
    expect(samples.get('weightmark_items_total{status="done"}')).toBe(pair[0]!.items().length);
    expect(samples.get("weightmark_item_duration_seconds_count")).toBe(pair[0]!.items().length);
    expect(samples.get("weightmark_jobs_active")).toBe(0);
    expect([(await fetch(`${address}/healthz`)).status, (await fetch(`${address}/readyz`)).status]).toEqual([200, 200]);
    expect((await fetch(`${address}/else`)).status).toBe(404);

    for (const { child } of pair) child.kill("SIGTERM");
    for (const { ended, events } of pair) {
      expect((await ended)[0]).toBe(0);
      expect(events.at(-1)!.type).toBe("stopped");
    }
  });

  it("takes over what a killed worker was at", async () => {
    const url = await server.createDatabase();
    // They renew what they hold three times a second, and jobs are lost after five.
    const killed = startWorker(url, { leaseSeconds: 1 });
    await killed.until("ready");
    const scanned = scanAll(url, 5);
    await killed.until("taken");
    killed.child.kill("SIGKILL");
    await killed.ended;
    const other = startWorker(url, { leaseSeconds: 1 });
    expect(await scanned).toMatchObject({ read: MODELS, failed: 0, complete: true });
    // Some were being worked on, and are done at the second try.
    expect(other.events.some((event) => event.type === "taken" && event.attempt > 1)).toBe(true);
  });

  it("gives back at SIGTERM what takes too long, untried", async () => {
    const url = await server.createDatabase();
    const hasty = startWorker(url, { drainMs: 0 });
    await hasty.until("ready");
    const scanned = scanAll(url);
    await hasty.until("taken");
    hasty.child.kill("SIGTERM");
    expect((await hasty.ended)[0]).toBe(0);
    const taken = hasty.events.filter(({ type }) => type === "taken").length;
    const over = hasty.events.filter(({ type }) => type === "item" || type === "released").length;
    expect(over).toBe(taken);
    const other = startWorker(url);
    expect(await scanned).toMatchObject({ read: MODELS, complete: true });
    expect(other.events.every((event) => event.type !== "taken" || event.attempt === 1)).toBe(true);
  });

  it("leaves a scan of another registry or version to others, and says so", async () => {
    const url = await server.createDatabase();
    const wrong = [startWorker(url, { registry: at("others") }), startWorker(url, { version: "0.0.0" })];
    const scanned = scanAll(url);
    const declined = await Promise.all(wrong.map(({ until }) => until("declined")));
    for (const event of declined) expect(event).toMatchObject({ error: { code: "SCAN_DIFFERS" } });
    const right = startWorker(url);
    expect(await scanned).toMatchObject({ read: MODELS, complete: true });
    expect(right.items()).toHaveLength(MODELS);
    expect(wrong.flatMap(({ items }) => items())).toEqual([]);
  });

  it("is a command; --once ends when nothing waits, and nothing tells the password", async () => {
    const url = await server.createDatabase();
    const args = ["worker", "--registry", "bases", "--once", "--log-format", "json", "--jobs", "0", "--no-cache"];
    const env = { WEIGHTMARK_DATABASE_URL: url };
    const none = await runCommand(args, { cwd: root, env });
    expect(none, none.stderr).toMatchObject({ exitCode: 0, stdout: "" });
    const lines = none.stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string });
    expect(lines.map(({ event }) => event)).toEqual(["ready", "stopped"]);
    const { password } = new URL(url);
    if (password !== "") expect(none.stderr).not.toContain(password);

    const child = startCommand(
      args.filter((arg) => arg !== "--once"),
      { cwd: root, env },
    );
    await once(child.stderr, "data");
    child.kill("SIGTERM");
    expect((await once(child, "close"))[0]).toBe(0);
    expect(await runCommand(["worker"], { cwd: root })).toMatchObject({ exitCode: 2 });
  });
});
