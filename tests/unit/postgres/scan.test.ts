import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, expect, it } from "vitest";
import type { DatabaseOptions } from "../../../src/registry/postgres/connect.ts";
import type { ScanJob, TakenJob } from "../../../src/scan/job-queue.ts";
import type { JobQueueOptions, PostgresJobQueue } from "../../../src/scan/postgres/job-queue.ts";
import type { PostgresResultStore } from "../../../src/scan/postgres/result-store.ts";
import { openScanDatabase, type ScanDatabase } from "../../../src/scan/postgres/scan-database.ts";
import type { ResultStore } from "../../../src/scan/result-store.ts";
import { workLoop } from "../../../src/scan/work-loop.ts";
import { jobQueueContract } from "../../support/job-queue.contract.ts";
import { describeWithPostgres } from "../../support/postgres.ts";
import { resultStoreContract } from "../../support/result-store.contract.ts";
import { scanContract } from "../../support/scan.contract.ts";
import { parametersFor, runShared } from "../../support/scan-engines.ts";
import { failedItem, itemOf, parametersOf, targetOf } from "../../support/scan-items.ts";

/** After which a job whose worker is not heard of is lost, and more than that. */
const LEASE_SECONDS = 5;
const LONGER_MS = 1000 * LEASE_SECONDS + 500;

describeWithPostgres("scans in PostgreSQL", (server) => {
  const opened: ScanDatabase[] = [];
  const urls = new Map<unknown, string>();

  async function open(url: string, options: DatabaseOptions = {}): Promise<ScanDatabase> {
    const database = await openScanDatabase(url, options);
    opened.push(database);
    return database;
  }

  afterAll(async () => {
    for (const database of opened) await database.close();
  });

  let prepared: Promise<string> | null = null;

  /** A database with all tables: making them takes longer than most of the tests. */
  async function freshDatabase(): Promise<string> {
    prepared ??= (async () => {
      const url = await server.createDatabase();
      const database = await openScanDatabase(url);
      await (await database.openQueue()).close();
      await database.close();
      return url;
    })();
    return server.createDatabase(await prepared);
  }

  const queueOf = async (url: string): Promise<PostgresJobQueue> => {
    const queue = await (await open(url)).openQueue({ tries: 3, retryDelaySeconds: 0 });
    urls.set(queue, url);
    return queue;
  };

  jobQueueContract("PostgreSQL", {
    create: async () => queueOf(await freshDatabase()),
    another: (queue) => queueOf(urls.get(queue)!),
  });

  resultStoreContract("PostgreSQL", {
    create: async (parameters) => {
      const url = await freshDatabase();
      const store = await (await open(url)).startScan(parameters);
      urls.set(store, url);
      return store;
    },
    reopen: async (store: ResultStore) => {
      const again = await (await open(urls.get(store)!)).openScan((store as PostgresResultStore).scan);
      return again!;
    },
  });

  const places = new Map<string, Promise<string>>();
  scanContract("workers that share a database", {
    async run(place, call) {
      const url = await (places.get(place.root) ?? places.set(place.root, freshDatabase()).get(place.root)!);
      await using database = await openScanDatabase(url);
      const store = await database.startScan(parametersFor(place, call), call.mode);
      const queue = await database.openQueue({ tries: 1, retryDelaySeconds: 0 });
      try {
        return await runShared({ store, queue, scan: store.scan }, place, call);
      } finally {
        await queue.close();
      }
    },
  });

  const jobOf = (scan: string, id: string): ScanJob => ({ scan, target: targetOf(id) });

  /** A worker's queue, which renews what it holds three times a second. */
  async function workersQueue(url: string): Promise<PostgresJobQueue> {
    return (await open(url)).openQueue({ leaseSeconds: 1 });
  }

  /** Adds jobs that are lost after many times as long, so that no worker of a busy machine is taken for dead. */
  async function addersQueue(url: string, options: JobQueueOptions = {}): Promise<PostgresJobQueue> {
    return (await open(url)).openQueue({ leaseSeconds: LEASE_SECONDS, retryDelaySeconds: 0, ...options });
  }

  async function takeSoon(queue: PostgresJobQueue): Promise<TakenJob> {
    for (;;) {
      const [taken] = await queue.take(1);
      if (taken !== undefined) return taken;
      await sleep(50);
    }
  }

  it("begins, resumes and restarts scans as a journal does", async () => {
    const url = await freshDatabase();
    const database = await open(url);
    const parameters = parametersOf();
    const first = await database.startScan(parameters);
    await first.put(itemOf("a"));
    await expect(database.startScan(parameters)).rejects.toMatchObject({ code: "SCAN_UNFINISHED", kind: "usage" });
    expect((await database.startScan(parametersOf({ depth: "full" }))).scan).not.toBe(first.scan);
    const resumed = await (await open(url)).startScan(parameters, "resume");
    expect([resumed.scan, [...(await resumed.finished())]]).toEqual([first.scan, ["a"]]);
    await resumed.finish();
    expect((await database.startScan(parameters, "resume")).complete).toBe(true);
    const second = await database.startScan(parameters);
    expect([second.scan === first.scan, (await second.finished()).size]).toEqual([false, 0]);
    // The complete one is kept until somebody restarts.
    expect(await (await database.openScan(first.scan))!.get("a")).toEqual(itemOf("a"));
    const queue = await database.openQueue();
    await queue.add([jobOf(second.scan, "a"), jobOf("another", "a")]);
    const third = await database.startScan(parameters, "restart");
    expect([await database.openScan(first.scan), await database.openScan(second.scan)]).toEqual([null, null]);
    expect((await queue.counts(second.scan)).waiting).toBe(0);
    expect((await queue.counts("another")).waiting).toBe(1);
    await expect(second.put(itemOf("b"))).rejects.toMatchObject({ code: "DATABASE_REFUSED" });
    expect((await third.finished()).size).toBe(0);
    await queue.close();
  });

  it("lets one of two that begin a scan at the same moment begin it", async () => {
    const url = await freshDatabase();
    const databases = await Promise.all([open(url), open(url), open(url)]);
    const begun = await Promise.allSettled(databases.map((database) => database.startScan(parametersOf())));
    expect(begun.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const resumed = await Promise.all(databases.map((database) => database.startScan(parametersOf(), "resume")));
    expect(new Set(resumed.map(({ scan }) => scan)).size).toBe(1);
  });

  it("holds names that neither text nor jsonb can, and ids longer than an index takes", async () => {
    const database = await open(await freshDatabase());
    const store = await database.startScan(parametersOf({ inputs: ["\u0000\ud800"] }));
    const queue = await database.openQueue();
    const ids = ["\u0000", "a\ud800", "\ud800a", "\udc00", "x".repeat(20_000), `${"x".repeat(20_000)}y`];
    expect(await queue.add(ids.map((id) => jobOf(store.scan, id)))).toBe(ids.length);
    const taken = await queue.take(10);
    expect(taken.map(({ job }) => job.target.id).sort()).toEqual([...ids].sort());
    for (const { job, complete } of taken) {
      expect(job.target).toEqual(targetOf(job.target.id));
      await store.put(itemOf(job.target.id, { summary: job.target.id }));
      await complete();
    }
    const listed: string[] = [];
    for await (const { id, summary } of store.items()) {
      expect(summary).toBe(id);
      listed.push(id);
    }
    expect(listed).toEqual([...ids].sort());
    expect(await store.finished()).toEqual(new Set(ids));
    await queue.close();
  });

  it("tells of a row that holds no result", async () => {
    const url = await freshDatabase();
    const store = await (await open(url)).startScan(parametersOf());
    await store.put(itemOf("a"));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    for (const row of ["null", '{"id":"a"}', JSON.stringify({ ...itemOf("a"), marks: [1] })]) {
      await client.query("UPDATE weightmark.scan_result SET item = $1", [row]);
      await expect(store.get("a")).rejects.toMatchObject({ code: "DATABASE_VERSION" });
      await expect(store.items().next()).rejects.toMatchObject({ code: "DATABASE_VERSION" });
    }
    await client.end();
  });

  it("needs no right to make tables once they are there", async () => {
    const url = await freshDatabase();
    const owner = await open(url);
    await (await owner.openQueue()).close();
    const role = `worker_${randomBytes(4).toString("hex")}`;
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    // As docs/database.md says.
    await client.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'pw'; GRANT USAGE ON SCHEMA weightmark, weightmark_jobs TO ${role};
       GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA weightmark, weightmark_jobs TO ${role}`,
    );
    const theirs = new URL(url);
    theirs.username = role;
    theirs.password = "pw";
    const database = await openScanDatabase(theirs.href);
    const store = await database.startScan(parametersOf());
    const queue = await database.openQueue({ leaseSeconds: 1 });
    await queue.add([jobOf(store.scan, "a"), jobOf(store.scan, "b")]);
    const [one, two] = await queue.take(2);
    await one!.complete();
    await two!.retry("502");
    await store.put(itemOf("a"));
    await queue.forget(store.scan);
    await database.startScan(parametersOf(), "restart");
    await queue.close();
    await database.close();
    await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await client.end();
  });

  it("lists more results than it fetches at a time", async () => {
    const store = await (await open(await freshDatabase())).startScan(parametersOf());
    const ids = Array.from({ length: 2100 }, (_, i) => `t${String(i).padStart(5, "0")}`);
    for (let at = 0; at < ids.length; at += 300) {
      await Promise.all(ids.slice(at, at + 300).map((id) => store.put(itemOf(id))));
    }
    const listed: string[] = [];
    for await (const { id } of store.items()) listed.push(id);
    expect(listed).toEqual(ids);
    expect((await store.finished()).size).toBe(ids.length);
  });

  it.concurrent("gives the job of a worker that died to another, and stores one result", async () => {
    const url = await freshDatabase();
    const dying = await openScanDatabase(url);
    const mortal = await dying.openQueue({ leaseSeconds: 1 });
    const store = await (await open(url)).startScan(parametersOf());
    const adder = await addersQueue(url);
    await adder.add([jobOf(store.scan, "a")]);
    const [lost] = await mortal.take(1);
    const other = await workersQueue(url);
    // Alive, it keeps its job for longer than a lease.
    await sleep(LONGER_MS);
    expect(await other.take(1)).toEqual([]);
    await mortal.close();
    const taken = await takeSoon(other);
    expect([taken.job.target.id, taken.attempt]).toEqual(["a", 2]);
    // It was only slow, and comes late: what it says of the job does not count any more, but its result does.
    await lost!.retry("late");
    expect(await other.counts(store.scan)).toEqual({ waiting: 0, active: 1, done: 0, failed: 0 });
    await store.put(itemOf("a", { caveats: ["late"] }));
    expect(await store.put(itemOf("a", { caveats: ["second"] }))).toBe(false);
    await taken.complete();
    expect(await other.counts(store.scan)).toEqual({ waiting: 0, active: 0, done: 1, failed: 0 });
    expect(await store.get("a")).toEqual(itemOf("a", { caveats: ["late"] }));
    await Promise.all([adder.close(), other.close(), dying.close()]);
  });

  it.concurrent("gives a job up when every worker on it dies, and says which", async () => {
    const url = await freshDatabase();
    const queue = await addersQueue(url, { tries: 2 });
    await queue.add([jobOf("s", "deadly"), jobOf("s", "good")]);
    for (const attempt of [1, 2]) {
      const victim = await workersQueue(url);
      const taken: TakenJob[] = [];
      while (!taken.some(({ job }) => job.target.id === "deadly")) taken.push(await takeSoon(victim));
      expect(taken.at(-1)!.attempt).toBe(attempt);
      for (const one of taken) if (one.job.target.id === "good") await one.complete();
      await victim.close();
    }
    while ((await queue.counts("s")).failed === 0) await sleep(50);
    expect(await queue.take(1)).toEqual([]);
    expect(await queue.givenUp("s")).toEqual([targetOf("deadly")]);
    await queue.forget("s");
    expect(await queue.counts("s")).toEqual({ waiting: 0, active: 0, done: 0, failed: 0 });
    await queue.close();
  });

  it.concurrent("has no job worked on by two at the same time, however long one takes", async () => {
    const url = await freshDatabase();
    const store = await (await open(url)).startScan(parametersOf());
    const ids = Array.from({ length: 60 }, (_, i) => `t${i}`);
    const working = new Set<string>();
    const worked: string[] = [];
    const queues = await Promise.all([workersQueue(url), workersQueue(url), workersQueue(url)]);
    const adder = await addersQueue(url);
    await adder.add(ids.map((id) => jobOf(store.scan, id)));
    const stop = new AbortController();
    const loops = queues.map((queue) =>
      workLoop({
        queue,
        storeOf: async () => store,
        async process(target) {
          expect(working.has(target.id)).toBe(false);
          working.add(target.id);
          worked.push(target.id);
          // Some take more than a lease.
          await sleep(target.id.endsWith("7") ? LONGER_MS : 5);
          working.delete(target.id);
          return itemOf(target.id);
        },
        concurrency: 4,
        signal: stop.signal,
        idle: async () => (await queue.counts(store.scan)).done < ids.length && sleep(50).then(() => true),
      }),
    );
    await Promise.all(loops);
    expect(worked.sort()).toEqual([...ids].sort());
    expect((await store.finished()).size).toBe(ids.length);
    for (const queue of [adder, ...queues]) await queue.close();
  });

  it.runIf(server.restartable)("goes on with a scan after the server crashed, twice, and loses nothing", async () => {
    const url = await freshDatabase();
    const ids = Array.from({ length: 250 }, (_, i) => `t${i}`);
    const database = await open(url);
    const store = await database.startScan(parametersOf());
    const queue = await database.openQueue({ leaseSeconds: 1, retryDelaySeconds: 0, tries: 10 });
    await queue.add(ids.map((id) => jobOf(store.scan, id)));
    const acknowledged = new Set<string>();
    const workers = Array.from({ length: 2 }, async () => {
      const own = await open(url, { reconnectMs: 300, sleep: (ms) => sleep(ms / 10) });
      const mine = await own.openQueue({ leaseSeconds: 1, retryDelaySeconds: 0 });
      await workLoop({
        queue: mine,
        storeOf: async (scan) => (await own.openScan(scan))!,
        process: async (target) => {
          await sleep(2);
          return target.id === "t7" ? failedItem("t7", false) : itemOf(target.id);
        },
        concurrency: 3,
        signal: new AbortController().signal,
        sleep: (ms) => sleep(ms / 10),
        onEvent: (event) => {
          if (event.type === "item") acknowledged.add(event.item.id);
        },
        idle: async () => {
          const counts = await mine.counts(store.scan).catch(() => null);
          return counts === null || counts.done < ids.length ? sleep(50).then(() => true) : false;
        },
      });
      await mine.close();
    });
    for (const share of [0.25, 0.6]) {
      while (acknowledged.size < share * ids.length) await sleep(5);
      await server.stop();
      const before = [...acknowledged];
      await sleep(400);
      await server.start();
      // What was durable before the crash is there after it.
      const finished = await store.finished();
      expect(before.filter((id) => !finished.has(id))).toEqual([]);
    }
    await Promise.all(workers);
    expect(await store.finished()).toEqual(new Set(ids));
    const listed: string[] = [];
    for await (const { id } of store.items()) listed.push(id);
    expect(listed).toEqual([...ids].sort());
    expect(await queue.counts(store.scan)).toEqual({ waiting: 0, active: 0, done: ids.length, failed: 0 });
    await queue.close();
  });
});
