import type PgBoss from "pg-boss";
import type { Database } from "../../registry/postgres/connect.ts";
import type { JobCounts, JobQueue, ScanJob, TakenJob } from "../job-queue.ts";
import type { ScanTarget } from "../target.ts";
import { executorOf, forgetJobs, JOBS, QUEUE, startBoss } from "./boss.ts";
import { Leases } from "./leases.ts";
import { jobId } from "./target-id.ts";

export interface JobQueueOptions {
  /** Tries of a job that is added here, those of lost workers included. @default 3 */
  readonly tries?: number | undefined;
  /** Seconds, at least 1, after which a worker that is not heard of is lost and its jobs are tried again. @default 45 */
  readonly leaseSeconds?: number | undefined;
  /** Seconds before a failed or lost job is tried again, doubled each time; 0 for none. @default 5 */
  readonly retryDelaySeconds?: number | undefined;
}

const BATCH = 500;

/** The target is JSON inside of a string: `jsonb` by itself refuses U+0000 and half surrogates, which names may hold. */
interface JobData {
  readonly scan: string;
  readonly target: string;
}

/**
 * Jobs in PostgreSQL, kept by pg-boss: any number of machines take them, each job one of them. A worker holds what it took
 * by a lease that it renews; when it dies, is killed or loses its network, its jobs are tried again by others.
 */
export interface PostgresJobQueue extends JobQueue {
  /** Targets whose jobs were tried as often as is allowed: the last worker on them may have died without a word. */
  givenUp(scan: string): Promise<ScanTarget[]>;
  /** Removes all jobs of a scan, whatever became of them. */
  forget(scan: string): Promise<void>;
}

/**
 * The database stays its owner's to close.
 *
 * @throws DATABASE_REFUSED, DATABASE_UNREACHABLE
 */
export async function openJobQueue(database: Database, options: JobQueueOptions = {}): Promise<PostgresJobQueue> {
  return new BossJobQueue(database, await startBoss(database), options);
}

class BossJobQueue implements PostgresJobQueue {
  private readonly database: Database;
  private readonly boss: PgBoss;
  private readonly leases: Leases;
  private readonly tries: number;
  private readonly leaseSeconds: number;
  private readonly retryDelay: number;

  constructor(database: Database, boss: PgBoss, options: JobQueueOptions) {
    this.database = database;
    this.boss = boss;
    this.tries = options.tries ?? 3;
    this.leaseSeconds = Math.max(1, Math.round(options.leaseSeconds ?? 45));
    this.retryDelay = options.retryDelaySeconds ?? 5;
    this.leases = new Leases(database, boss, this.leaseSeconds * 1000);
  }

  async add(jobs: readonly ScanJob[]): Promise<number> {
    let added = 0;
    for (let at = 0; at < jobs.length; at += BATCH) added += await this.addBatch(jobs.slice(at, at + BATCH));
    return added;
  }

  async take(limit: number): Promise<TakenJob[]> {
    if (limit < 1) return [];
    let failure: { readonly error: unknown } | null = null;
    // pg-boss swallows errors here: no jobs and no database would look the same.
    const db: PgBoss.Db = {
      executeSql: (text, values) =>
        this.database.query(text, values).catch((error) => {
          failure = { error };
          throw error;
        }),
    };
    const options = { includeMetadata: true as const, batchSize: limit, priority: false, db };
    const found = await this.boss.fetch<JobData>(QUEUE, options);
    if (failure !== null) throw (failure as { error: unknown }).error;
    const taken = found.map((job) => this.hand(job));
    for (const { id, retryCount } of found) this.leases.hold(id, retryCount);
    return taken;
  }

  async counts(scan: string): Promise<JobCounts> {
    const { rows } = await this.database.query<{ state: string; count: string }>(
      `SELECT state, count(*) AS count FROM ${JOBS} WHERE name = $1 AND data->>'scan' = $2 GROUP BY state`,
      [QUEUE, scan],
    );
    const of = (...states: string[]) =>
      rows.reduce((sum, { state, count }) => (states.includes(state) ? sum + Number(count) : sum), 0);
    return {
      waiting: of("created", "retry"),
      active: of("active"),
      done: of("completed"),
      failed: of("failed", "cancelled"),
    };
  }

  async givenUp(scan: string): Promise<ScanTarget[]> {
    const { rows } = await this.database.query<{ data: JobData }>(
      `SELECT data FROM ${JOBS} WHERE name = $1 AND data->>'scan' = $2 AND state = 'failed' ORDER BY id`,
      [QUEUE, scan],
    );
    return rows.map(({ data }) => JSON.parse(data.target) as ScanTarget);
  }

  async forget(scan: string): Promise<void> {
    await forgetJobs(this.database, [scan]);
  }

  /** Jobs still held come back when their lease is over. */
  async close(): Promise<void> {
    this.leases.close();
  }

  private async addBatch(jobs: readonly ScanJob[]): Promise<number> {
    const rows = jobs.map(({ scan, target }) => ({
      id: jobId(scan, target.id),
      name: QUEUE,
      data: { scan, target: JSON.stringify(target) },
      retryLimit: this.tries - 1,
      retryDelay: this.retryDelay,
      retryBackoff: this.retryDelay > 0,
      expireInSeconds: this.leaseSeconds,
    }));
    return this.database.transaction(async (on) => {
      // One that was given up is a new one.
      await on.query(`DELETE FROM ${JOBS} WHERE name = $1 AND id = ANY($2::uuid[]) AND state = 'failed'`, [
        QUEUE,
        rows.map(({ id }) => id),
      ]);
      let added = 0;
      const db: PgBoss.Db = {
        async executeSql(text, values) {
          const result = await on.query(text, values);
          added += result.rowCount ?? 0;
          return result;
        },
      };
      await this.boss.insert(rows, { db });
      return added;
    });
  }

  private hand({ id, data, retryCount }: PgBoss.JobWithMetadata<JobData>): TakenJob {
    let over = false;
    const end = (step: () => Promise<unknown>) => async () => {
      if (over) return;
      await step();
      over = true;
      this.leases.drop(id);
    };
    return {
      job: { scan: data.scan, target: JSON.parse(data.target) as ScanTarget },
      attempt: retryCount + 1,
      // The one who holds it by now: its result is stored.
      complete: end(() => this.boss.complete(QUEUE, id)),
      release: end(() =>
        this.database.query(
          // Without the time it was started it counts as not tried.
          `UPDATE ${JOBS} SET state = 'created', started_on = NULL
           WHERE name = $1 AND id = $2 AND state = 'active' AND retry_count = $3`,
          [QUEUE, id, retryCount],
        ),
      ),
      retry: (reason) => end(() => this.fail(id, retryCount, reason))(),
    };
  }

  /** Only what is still ours: another worker may have it since we were taken for lost. */
  private async fail(id: string, retryCount: number, reason: string): Promise<void> {
    await this.database.transaction(async (on) => {
      const { rowCount } = await on.query(
        `SELECT FROM ${JOBS} WHERE name = $1 AND id = $2 AND state = 'active' AND retry_count = $3 FOR UPDATE`,
        [QUEUE, id, retryCount],
      );
      if (rowCount === 0) return;
      const printable = reason.slice(0, 500).replace(/[^\x20-\x7e]/g, "?");
      await this.boss.fail(QUEUE, id, { reason: printable }, { db: executorOf(on) });
    });
  }
}
