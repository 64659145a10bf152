import type { DatabaseOptions } from "../../registry/postgres/connect.ts";
import { withDriver } from "../../registry/postgres/driver.ts";
import type { ScanDatabase } from "./scan-database.ts";

/**
 * Opens the scans of a PostgreSQL database (15 or later), making its tables when they are not there.
 *
 * @param url postgres://USER@HOST:PORT/DATABASE; never shown with its password
 * @throws DATABASE_DRIVER_MISSING, DATABASE_URL_INVALID, DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_VERSION
 */
export async function openScanDatabase(url: string, options: DatabaseOptions = {}): Promise<ScanDatabase> {
  // The driver and the queue cost some 60 ms to load, which nobody pays who has files.
  const database = await withDriver(() => import("./scan-database.ts"));
  return database.openScanDatabase(url, options);
}
