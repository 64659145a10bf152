import PgBoss from "pg-boss";
import type { Connection, Database } from "../../registry/postgres/connect.ts";

/** pg-boss keeps its own tables, and changes them with its own versions. */
const SCHEMA = "weightmark_jobs";
export const QUEUE = "weightmark-scan";
/** Not the lock of our own tables, which pg-boss's statements on other connections may have to wait for. */
const START_LOCK = "8603398556016209250";
export const JOBS = `${SCHEMA}.job`;

/** Runs pg-boss's statements on our connections, which outlive a restart of the server. */
export function executorOf(on: Connection): PgBoss.Db {
  return { executeSql: (text, values) => on.query(text, values) };
}

/** Removes all jobs of these scans, whatever became of them. */
export async function forgetJobs(on: Connection, scans: readonly string[]): Promise<void> {
  const { rows } = await on.query<{ there: boolean }>(`SELECT to_regclass('${JOBS}') IS NOT NULL AS there`);
  if (!rows[0]!.there) return;
  await on.query(`DELETE FROM ${JOBS} WHERE name = $1 AND data->>'scan' = ANY($2)`, [QUEUE, scans]);
}

/**
 * What pg-boss has no index for: the oldest job without sorting all that wait (a million of them are sorted for every
 * fetch otherwise), active jobs among a million that are done, and the jobs of one scan.
 */
async function createIndexes(database: Database): Promise<void> {
  const { rows } = await database.query<{ partition: string }>(
    `SELECT partition_name AS partition FROM ${SCHEMA}.queue
     WHERE name = $1 AND partition_name ~ '^j[0-9a-f]+$' AND to_regclass('${SCHEMA}.weightmark_scan_jobs') IS NULL`,
    [QUEUE],
  );
  const table = rows[0]?.partition;
  if (table === undefined) return;
  await database.query(
    `BEGIN;
     SELECT pg_advisory_xact_lock(8603398556016209249);
     CREATE INDEX IF NOT EXISTS weightmark_oldest_job ON ${SCHEMA}.${table} (created_on, id) WHERE state < 'active';
     CREATE INDEX IF NOT EXISTS weightmark_active_job ON ${SCHEMA}.${table} (started_on) WHERE state = 'active';
     CREATE INDEX IF NOT EXISTS weightmark_scan_jobs ON ${SCHEMA}.${table} ((data->>'scan'), state);
     COMMIT`,
  );
}

/**
 * pg-boss without its timers: it would archive what is done, and we count it. Makes its tables when they are not there, one
 * process at a time: workers that are started together on an empty database would get into each other's way.
 */
export async function startBoss(database: Database): Promise<PgBoss> {
  const boss = await database.transaction(async (on) => {
    await on.query(`SELECT pg_advisory_xact_lock(${START_LOCK})`);
    const started = new PgBoss({ db: executorOf(database), schema: SCHEMA, supervise: false, schedule: false });
    started.on("error", () => undefined);
    await started.start();
    if ((await started.getQueue(QUEUE)) === null) await started.createQueue(QUEUE);
    return started;
  });
  await createIndexes(database);
  return boss;
}
