import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { openRegistry } from "../../src/registry/index.ts";
import type { ErrorReport, ScanItemReport, ScanSummaryReport } from "../../src/report/schemas/index.ts";
import { openScanDatabase, prepareScan, type ScanDatabase } from "../../src/scan/index.ts";
import { workLoop } from "../../src/scan/work-loop.ts";
import { openWorkers } from "../../src/scan/workers.ts";
import { runCommand, startCommand } from "../support/command.ts";
import { describeWithPostgres } from "../support/postgres.ts";
import { SETTINGS } from "../support/scan-run.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { changed, tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const args = (url: string, ...more: string[]) => [
  ...["scan", "models", "--registry", "bases", "--database", url],
  ...["--deterministic", "--format", "jsonl", "--no-progress", ...more],
];

/** A worker of another machine, in this process: it has the same registry, and a store of its own. */
async function worker(database: ScanDatabase, signal: AbortSignal): Promise<void> {
  const inputs = { locations: [], organisations: [], list: null };
  const { setup } = await prepareScan(inputs, {
    ...SETTINGS,
    version: "0",
    registry: at("bases"),
  });
  const workers = await openWorkers(setup, { threads: 0, tasksPerThread: 2 });
  const queue = await database.openQueue();
  await workLoop({
    queue,
    storeOf: async (scan) => (await database.openScan(scan))!,
    process: workers.process,
    concurrency: 2,
    signal,
    idle: async () => new Promise((resolve) => setTimeout(resolve, 50, true)),
  });
  await queue.close();
  await workers.close();
}

beforeAll(async () => {
  const base = tinyModel(1);
  mkdirSync(at("models"));
  writeModel(at("models", "base"), base);
  writeModel(at("models", "tuned"), changed(base, 3, 0.2));
  writeModel(at("models", "evil\u001b[2J"), tinyModel(5));
  const added = await runCommand(["registry", "add", "models/base", "--root", "--registry", "bases"], { cwd: root });
  expect(added, added.stderr).toMatchObject({ exitCode: 0 });
  expect((await openRegistry(at("bases"))).entries).toBe(1);
});

describeWithPostgres("a scan shared through a database", (server) => {
  it("lists, waits for the workers, prints what they found; a killed one goes on with --resume", async () => {
    const url = await server.createDatabase();
    const database = await openScanDatabase(url);
    const first = startCommand(args(url), { cwd: root });
    // Killed when its jobs are out, while nobody works.
    const queue = await database.openQueue();
    for (let waiting = 0; waiting < 3; ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const { rows } = await countJobs(url);
      waiting = Number(rows[0]!.count);
    }
    first.kill("SIGKILL");
    await once(first, "close");
    await queue.close();

    const refused = await runCommand(args(url), { cwd: root });
    expect(refused.exitCode).toBe(2);
    expect(requireValid<ErrorReport>("error@1", JSON.parse(refused.stderr)).error.code).toBe("SCAN_UNFINISHED");

    const stop = new AbortController();
    const work = worker(database, stop.signal);
    const resumed = await runCommand(args(url, "--resume", "--fail-on", "identical"), { cwd: root });
    stop.abort();
    await work;
    expect(resumed, resumed.stderr).toMatchObject({ exitCode: 1, stderr: "" });
    const lines = resumed.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const summary = requireValid<ScanSummaryReport>("scan-summary@1", lines.pop());
    expect(summary).toMatchObject({ complete: true, listed: 3, done: 3 });
    const items = lines.map((line) => requireValid<ScanItemReport>("scan-item@1", line));
    expect(items.map(({ name, verdict }) => [name, verdict])).toEqual([
      ["base", "identical"],
      ["evil\u001b[2J", "no-evidence"],
      ["tuned", "derived"],
    ]);

    // What a scan of files prints, to the byte; and nothing of the password.
    const local = [
      "scan",
      at("models"),
      "--registry",
      "bases",
      "--journal",
      at("journal"),
      "--no-cache",
      "--jobs",
      "0",
    ];
    const alone = await runCommand([...local, "--deterministic", "--format", "jsonl", "--fail-on", "identical"], {
      cwd: root,
    });
    expect(resumed.stdout).toBe(alone.stdout);
    const again = await runCommand(args(url, "--resume", "-v", "--log-format", "json"), { cwd: root });
    expect(again).toMatchObject({ exitCode: 0 });
    const { password } = new URL(url);
    for (const text of [refused, resumed, again].flatMap(({ stdout, stderr }) => [stdout, stderr])) {
      if (password !== "") expect(text).not.toContain(password);
    }
    await database.close();
  });

  it("names what contradicts a database", async () => {
    for (const more of [
      ["--jobs", "2"],
      ["--journal", "x"],
    ]) {
      const result = await runCommand(args("postgres://127.0.0.1:1/none", ...more), { cwd: root });
      expect(result.exitCode).toBe(2);
    }
  });
});

async function countJobs(url: string) {
  const { default: pg } = await import("pg");
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await client.query<{ count: string }>(
      "SELECT count(*) FROM weightmark_jobs.job WHERE name = 'weightmark-scan' AND state = 'created'",
    );
  } finally {
    await client.end();
  }
}
