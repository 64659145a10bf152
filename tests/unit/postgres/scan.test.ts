import { afterEach } from "vitest";
import type { PostgresJobQueue } from "../../../src/scan/postgres/job-queue.ts";
import type { PostgresResultStore } from "../../../src/scan/postgres/result-store.ts";
import { openScanDatabase, type ScanDatabase } from "../../../src/scan/postgres/scan-database.ts";
import type { ResultStore } from "../../../src/scan/result-store.ts";
import { jobQueueContract } from "../../support/job-queue.contract.ts";
import { describeWithPostgres } from "../../support/postgres.ts";
import { resultStoreContract } from "../../support/result-store.contract.ts";

describeWithPostgres("scans in PostgreSQL", (server) => {
  const opened: ScanDatabase[] = [];
  const urls = new Map<unknown, string>();

  async function open(url: string): Promise<ScanDatabase> {
    const database = await openScanDatabase(url);
    opened.push(database);
    return database;
  }

  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
  });

  const queueOf = async (url: string): Promise<PostgresJobQueue> => {
    const queue = await (await open(url)).openQueue({ tries: 3, retryDelaySeconds: 0 });
    urls.set(queue, url);
    return queue;
  };

  jobQueueContract("PostgreSQL", {
    create: async () => queueOf(await server.createDatabase()),
    another: (queue) => queueOf(urls.get(queue)!),
  });

  resultStoreContract("PostgreSQL", {
    create: async (parameters) => {
      const url = await server.createDatabase();
      const store = await (await open(url)).startScan(parameters);
      urls.set(store, url);
      return store;
    },
    reopen: async (store: ResultStore) => {
      const again = await (await open(urls.get(store)!)).openScan((store as PostgresResultStore).scan);
      return again!;
    },
  });
});
