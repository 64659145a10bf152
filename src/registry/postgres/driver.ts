import { WeightmarkError } from "../../errors.ts";

/** Optional peers: anyone who keeps everything in files need not install them. */
const DRIVERS = /'(pg|pg-boss)'/;

/**
 * What `load` imports, which needs a driver of PostgreSQL.
 *
 * @throws DATABASE_DRIVER_MISSING where it is not installed
 */
export async function withDriver<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const driver = code === "ERR_MODULE_NOT_FOUND" ? DRIVERS.exec(message)?.[1] : undefined;
    if (driver === undefined) throw error;
    throw new WeightmarkError(
      "DATABASE_DRIVER_MISSING",
      `PostgreSQL is spoken to by ${driver}, which is not installed`,
      {
        cause: error,
      },
    );
  }
}
