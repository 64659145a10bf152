import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { WeightmarkError } from "../../errors.ts";
import { type ConnectionUrl, driverUrl, parseConnectionUrl, type SslMode } from "./connection-url.ts";
import { databaseError, faultOf } from "./database-error.ts";

export interface DatabaseOptions {
  /** Milliseconds to keep trying after the connection was lost, a restart of the server say. @default 60,000 */
  readonly reconnectMs?: number | undefined;
  /** Connections at a time. @default 4 */
  readonly connections?: number | undefined;
  /** @default the system's timers */
  readonly sleep?: ((ms: number) => Promise<unknown>) | undefined;
}

/** What a statement came to, in words of our own: the driver's types are no dependency of anyone who uses ours. */
export interface QueryResult<Row> {
  readonly rows: Row[];
  /** null for statements that have no count. */
  readonly rowCount: number | null;
}

/** What runs in one transaction sends its statements here. */
export interface Connection {
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>;
}

/**
 * A database that may restart at any time. Statements and transactions that lose their connection run again on a new one,
 * so they have to be such that twice is once: a commit whose answer got lost did happen.
 */
export interface Database extends Connection {
  /** Without password, for messages. */
  readonly location: string;
  /** All of `work`'s statements happen, or none. `work` may run several times. */
  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** Reads only, all of it the state of one moment. `work` may run several times. */
  snapshot<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const OLDEST_VERSION = 150_000;
const STATEMENT_TIMEOUT_MS = 120_000;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;
const MAX_CONFLICTS = 20;

/** `version` as the server's server_version_num. Throws DATABASE_VERSION: bit_count and more came with 14 and 15. */
export function requireServerVersion(version: number, location: string): void {
  if (version >= OLDEST_VERSION) return;
  throw new WeightmarkError("DATABASE_VERSION", `the server is PostgreSQL ${Math.floor(version / 10_000)}`, {
    file: location,
    detail: "Use PostgreSQL 15 or later.",
  });
}

/**
 * Connects once, to find out at the start what is wrong.
 *
 * @throws DATABASE_URL_INVALID, DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_VERSION
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const parsed = parseConnectionUrl(url);
  try {
    // libpq's "prefer": TLS first, and without it where the server has none.
    const modes: SslMode[] = parsed.sslMode === "prefer" ? ["prefer", "disable"] : [parsed.sslMode];
    for (const mode of modes) {
      const database = new PooledDatabase(parsed, mode, options);
      try {
        await database.greet();
        return database;
      } catch (error) {
        await database.close();
        if (mode !== "prefer" || !/does not support SSL/.test((error as Error).message)) throw error;
      }
    }
  } catch (error) {
    throw databaseError(error, parsed.shown);
  }
  throw new WeightmarkError("INTERNAL", "no way to connect was tried");
}

function poolOf(url: ConnectionUrl, mode: SslMode, options: DatabaseOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: driverUrl(url, mode),
    // Else the driver would take its own default from PGSSLMODE.
    ...(mode === "disable" ? { ssl: false } : {}),
    application_name: "weightmark",
    max: options.connections ?? 4,
    connectionTimeoutMillis: 10_000,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: 5 * STATEMENT_TIMEOUT_MS,
    // A host that vanished sends no error: the driver gives up a little after the server would have.
    query_timeout: STATEMENT_TIMEOUT_MS + 5_000,
    keepAlive: true,
    // Connections at rest do not keep a process alive that has ended otherwise.
    allowExitOnIdle: true,
  });
  // Connections die at any time, idle or between two statements; the next statement finds out.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

class PooledDatabase implements Database {
  readonly location: string;
  private readonly pool: pg.Pool;
  private readonly reconnectMs: number;
  private readonly sleep: (ms: number) => Promise<unknown>;

  constructor(url: ConnectionUrl, mode: SslMode, options: DatabaseOptions) {
    this.location = url.shown;
    this.pool = poolOf(url, mode, options);
    this.reconnectMs = options.reconnectMs ?? 60_000;
    this.sleep = options.sleep ?? delay;
  }

  async greet(): Promise<void> {
    const { rows } = await this.pool.query<{ version: string }>(
      "SELECT current_setting('server_version_num') AS version",
    );
    requireServerVersion(Number(rows[0]!.version), this.location);
  }

  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    return this.again(() => this.pool.query<Row & pg.QueryResultRow>(text, values as unknown[]));
  }

  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.again(() => this.run("BEGIN", work));
  }

  snapshot<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.again(() => this.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", work));
  }

  async close(): Promise<void> {
    if (!this.pool.ending) await this.pool.end();
  }

  private async run<T>(begin: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let failed: boolean = true;
    try {
      await client.query(begin);
      const result = await work(client as Connection);
      await client.query("COMMIT");
      failed = false;
      return result;
    } catch (error) {
      // A connection that cannot roll back is thrown away, and the server rolls back.
      if (faultOf(error) !== "lost")
        failed = await client.query("ROLLBACK").then(
          () => false,
          () => true,
        );
      throw error;
    } finally {
      client.release(failed);
    }
  }

  /** Waits are doubled and bounded, and differ between workers that lost the same server at the same moment. */
  private async again<T>(work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.reconnectMs;
    let conflicts = 0;
    for (let wait = FIRST_WAIT_MS; ; ) {
      try {
        return await work();
      } catch (error) {
        const fault = faultOf(error);
        const retry =
          fault === "lost" ? performance.now() < deadline : fault === "conflict" && conflicts++ < MAX_CONFLICTS;
        if (!retry) throw databaseError(error, this.location);
        await this.sleep(wait * (0.5 + Math.random() / 2));
        wait = Math.min(2 * wait, LONGEST_WAIT_MS);
      }
    }
  }
}
