import { WeightmarkError } from "../../errors.ts";
import type { Database } from "../../registry/postgres/connect.ts";
import { pagesOf } from "../../registry/postgres/cursor.ts";
import type { ScanItem } from "../item.ts";
import type { ScanParameters } from "../parameters.ts";
import type { ResultStore } from "../result-store.ts";
import { scanItemOf } from "../stored-item.ts";
import { decodeId, encodeId, idKey } from "./target-id.ts";

/** Items fetched at a time. */
const PAGE_ITEMS = 500;
const KEY_BYTES = 32;

/** Results of one scan in the tables of a database that others may use at the same time. */
export class PostgresResultStore implements ResultStore {
  /** Names the scan in jobs. */
  readonly scan: string;
  readonly parameters: ScanParameters;
  private finishedAlready: boolean;
  private readonly database: Database;

  /** The database stays its owner's to close. */
  constructor(database: Database, scan: string, parameters: ScanParameters, complete: boolean) {
    this.database = database;
    this.scan = scan;
    this.parameters = parameters;
    this.finishedAlready = complete;
  }

  get complete(): boolean {
    return this.finishedAlready;
  }

  async put(item: ScanItem): Promise<boolean> {
    const { rows } = await this.database.query<{ open: boolean | null; changed: boolean }>(
      `WITH known AS (SELECT finished_at IS NULL AS open FROM weightmark.scan WHERE scan = $1),
        changed AS (
          INSERT INTO weightmark.scan_result (scan, key, id, passing, item)
          SELECT $1, $2, $3, $4, $5 FROM known WHERE open
          ON CONFLICT (scan, key) DO UPDATE SET passing = EXCLUDED.passing, item = EXCLUDED.item
            WHERE scan_result.passing
          RETURNING 1)
       SELECT (SELECT open FROM known) AS open, EXISTS (SELECT FROM changed) AS changed`,
      [this.scan, idKey(item.id), encodeId(item.id), item.failure?.passing === true, JSON.stringify(item)],
    );
    const { open, changed } = rows[0]!;
    if (open === null) throw this.gone();
    if (!open) {
      this.finishedAlready = true;
      throw new WeightmarkError("INTERNAL", "a result came in after the scan was complete", {
        file: this.database.location,
      });
    }
    return changed;
  }

  async finished(): Promise<ReadonlySet<string>> {
    return this.database.snapshot(async (on) => {
      const ids = new Set<string>();
      const select = "SELECT id FROM weightmark.scan_result WHERE scan = $1 AND NOT passing";
      for await (const rows of pagesOf<{ id: Buffer }>(on, select, [this.scan])) {
        for (const { id } of rows) ids.add(decodeId(id));
      }
      return ids;
    });
  }

  async get(id: string): Promise<ScanItem | null> {
    const { rows } = await this.database.query<{ item: string }>(
      "SELECT item FROM weightmark.scan_result WHERE scan = $1 AND key = $2",
      [this.scan, idKey(id)],
    );
    return rows.length === 0 ? null : this.itemIn(rows[0]!.item);
  }

  /** Keeps 32 bytes a result, and no transaction open while its reader takes its time. */
  async *items(): AsyncGenerator<ScanItem> {
    const keys = await this.orderedKeys();
    for (let at = 0; at < keys.length; at += PAGE_ITEMS * KEY_BYTES) {
      const page = keys.subarray(at, at + PAGE_ITEMS * KEY_BYTES);
      const { rows } = await this.database.query<{ item: string }>(
        `SELECT item FROM weightmark.scan_result,
           (SELECT i, substr($2::bytea, 32 * i + 1, 32) AS key FROM generate_series(0, $3::int - 1) AS i) AS wanted
         WHERE scan = $1 AND scan_result.key = wanted.key ORDER BY i`,
        [this.scan, page, page.length / KEY_BYTES],
      );
      for (const { item } of rows) yield this.itemIn(item);
    }
  }

  async finish(): Promise<void> {
    const { rowCount } = await this.database.query(
      "UPDATE weightmark.scan SET finished_at = coalesce(finished_at, clock_timestamp()) WHERE scan = $1",
      [this.scan],
    );
    if (rowCount === 0) throw this.gone();
    this.finishedAlready = true;
  }

  async close(): Promise<void> {}

  private orderedKeys(): Promise<Buffer> {
    return this.database.snapshot(async (on) => {
      const keys: Buffer[] = [];
      const select = "SELECT key FROM weightmark.scan_result WHERE scan = $1 ORDER BY id";
      for await (const rows of pagesOf<{ key: Buffer }>(on, select, [this.scan])) {
        keys.push(Buffer.concat(rows.map(({ key }) => key)));
      }
      return Buffer.concat(keys);
    });
  }

  private itemIn(row: string): ScanItem {
    const item = scanItemOf(JSON.parse(row));
    if (item !== null) return item;
    throw new WeightmarkError("DATABASE_VERSION", "the scan has a result that this weightmark does not know", {
      file: this.database.location,
      detail: "Use the version that began it, or begin anew with `restart`.",
    });
  }

  private gone(): WeightmarkError {
    return new WeightmarkError("DATABASE_REFUSED", "the scan is not in this database any more", {
      file: this.database.location,
      detail: "Somebody removed it, or began it anew with `restart`.",
    });
  }
}
