import { randomUUID } from "node:crypto";
import { WeightmarkError } from "../../errors.ts";
import { blake3 } from "../../kernels/blake3.ts";
import { type Connection, type Database, type DatabaseOptions, openDatabase } from "../../registry/postgres/connect.ts";
import { migrate } from "../../registry/postgres/migrations.ts";
import { parseParameters, type ScanParameters } from "../parameters.ts";
import { forgetJobs } from "./boss.ts";
import { type JobQueueOptions, openJobQueue, type PostgresJobQueue } from "./job-queue.ts";
import { PostgresResultStore } from "./result-store.ts";
import { SCAN_TABLES } from "./scan-tables.ts";

/** As a journal has them: `begin` refuses to begin an unfinished scan again, `resume` goes on with one, `restart` removes it. */
export type ScanMode = "begin" | "resume" | "restart";

interface ScanRow {
  scan: string;
  parameters: string;
  complete: boolean;
}

const COLUMNS = "scan, parameters, finished_at IS NOT NULL AS complete";

/** Scans, their jobs and their results in a database (schemas `weightmark` and `weightmark_jobs`). */
export class ScanDatabase {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** Without password, for messages. */
  get location(): string {
    return this.database.location;
  }

  /**
   * The scan with these parameters, or a new one.
   *
   * @throws SCAN_UNFINISHED
   */
  async startScan(parameters: ScanParameters, mode: ScanMode = "begin"): Promise<PostgresResultStore> {
    const text = JSON.stringify(parameters);
    const digest = Buffer.from(blake3(Buffer.from(text)));
    // Made up once: a transaction that runs twice makes one scan.
    const fresh = randomUUID();
    const row = await this.database.transaction((on) => this.findOrCreate(on, fresh, digest, text, mode));
    return this.storeOf(row);
  }

  /** The scan that a job belongs to; null when there is none any more. */
  async openScan(scan: string): Promise<PostgresResultStore | null> {
    const { rows } = await this.database.query<ScanRow>(
      `SELECT ${COLUMNS} FROM weightmark.scan WHERE scan::text = $1`,
      [scan],
    );
    return rows.length === 0 ? null : this.storeOf(rows[0]!);
  }

  openQueue(options: JobQueueOptions = {}): Promise<PostgresJobQueue> {
    return openJobQueue(this.database, options);
  }

  /** Whether the database answers now: throws where it does not. */
  async ping(): Promise<void> {
    await this.database.query("SELECT 1");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  close(): Promise<void> {
    return this.database.close();
  }

  private async findOrCreate(
    on: Connection,
    fresh: string,
    digest: Buffer,
    parameters: string,
    mode: ScanMode,
  ): Promise<ScanRow> {
    // Two that begin one scan at the same moment: the second finds what the first began.
    await on.query("LOCK TABLE weightmark.scan IN SHARE ROW EXCLUSIVE MODE");
    const { rows } = await on.query<ScanRow>(
      `SELECT ${COLUMNS} FROM weightmark.scan WHERE digest = $1 ORDER BY begun_at DESC LIMIT 1`,
      [digest],
    );
    const last = rows[0];
    if (last !== undefined && (mode === "resume" || last.scan === fresh)) return last;
    if (last !== undefined && mode === "begin" && !last.complete) {
      throw new WeightmarkError(
        "SCAN_UNFINISHED",
        "the database holds an unfinished scan with these inputs and options",
        {
          file: this.location,
          detail: "Go on with `resume`, or begin anew with `restart`.",
        },
      );
    }
    if (mode === "restart") {
      const removed = await on.query<{ scan: string }>(
        "DELETE FROM weightmark.scan WHERE digest = $1 RETURNING scan::text",
        [digest],
      );
      await forgetJobs(
        on,
        removed.rows.map(({ scan }) => scan),
      );
    }
    await on.query("INSERT INTO weightmark.scan (scan, digest, parameters) VALUES ($1, $2, $3)", [
      fresh,
      digest,
      parameters,
    ]);
    return { scan: fresh, parameters, complete: false };
  }

  private storeOf({ scan, parameters, complete }: ScanRow): PostgresResultStore {
    const parsed = parseParameters(JSON.parse(parameters));
    if (parsed === null) {
      throw new WeightmarkError("DATABASE_VERSION", "the scan has parameters that this weightmark does not know", {
        file: this.location,
        detail: "Use the version that began it.",
      });
    }
    return new PostgresResultStore(this.database, scan, parsed, complete);
  }
}

/**
 * Makes its tables when they are not there: the right to make schemas is needed once.
 *
 * @throws DATABASE_URL_INVALID, DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_VERSION
 */
export async function openScanDatabase(url: string, options: DatabaseOptions = {}): Promise<ScanDatabase> {
  const database = await openDatabase(url, options);
  try {
    await migrate(database, SCAN_TABLES, true);
    return new ScanDatabase(database);
  } catch (error) {
    await database.close();
    throw error;
  }
}
