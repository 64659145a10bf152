import { WeightmarkError } from "../../errors.ts";
import type { Connection, Database } from "./connect.ts";

/** A part of the tables with a history of its own. Step n of `steps` makes version n + 1; steps are never changed. */
export interface Migrations {
  readonly part: "registry" | "scan";
  readonly steps: readonly string[];
}

/** All of weightmark's writers of one database take this lock to change tables: "weightma" in ASCII. */
const LOCK = "SELECT pg_advisory_xact_lock(8603398556016209249)";

/** 0 where the part was never set up. */
async function versionOf({ part }: Migrations, on: Connection): Promise<number> {
  const { rows } = await on.query<{ there: boolean }>(
    "SELECT to_regclass('weightmark.migration') IS NOT NULL AS there",
  );
  if (!rows[0]!.there) return 0;
  const found = await on.query<{ version: number }>(
    "SELECT coalesce(max(version), 0) AS version FROM weightmark.migration WHERE part = $1",
    [part],
  );
  return found.rows[0]!.version;
}

function requireKnown(version: number, { part, steps }: Migrations, location: string): void {
  if (version <= steps.length) return;
  throw new WeightmarkError("DATABASE_VERSION", `the ${part} tables are of a newer weightmark (version ${version})`, {
    file: location,
    detail: `This one knows version ${steps.length}: use the newer weightmark.`,
  });
}

/**
 * Brings the tables of a part to this release's version, each step in the same transaction, one process at a time. Only
 * looks where nothing is to be done, so that a user without the right to make tables can work. False when there are no
 * tables and `create` is not set.
 *
 * @throws DATABASE_VERSION when they are newer
 */
export async function migrate(database: Database, migrations: Migrations, create: boolean): Promise<boolean> {
  const found = await versionOf(migrations, database);
  requireKnown(found, migrations, database.location);
  if (found === 0 && !create) return false;
  if (found === migrations.steps.length) return true;
  await database.transaction(async (connection) => {
    await connection.query(LOCK);
    await connection.query("CREATE SCHEMA IF NOT EXISTS weightmark");
    await connection.query(`CREATE TABLE IF NOT EXISTS weightmark.migration (
      part text NOT NULL, version int NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (part, version))`);
    const before = await versionOf(migrations, connection);
    requireKnown(before, migrations, database.location);
    for (const [i, step] of migrations.steps.entries()) {
      if (i < before) continue;
      await connection.query(step);
      await connection.query("INSERT INTO weightmark.migration (part, version) VALUES ($1, $2)", [
        migrations.part,
        i + 1,
      ]);
    }
  });
  return true;
}
