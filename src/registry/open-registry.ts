import type { CandidateSource } from "../lineage/candidate-source.ts";
import { openRegistry, type RegistryOptions } from "./file-registry.ts";
import { isDatabaseUrl } from "./postgres/connection-url.ts";
import type { Registry } from "./registry.ts";

/** A registry wherever it is kept. Close it: one in a database holds connections. */
export interface OpenedRegistry extends Registry {
  close(): Promise<void>;
}

/** The read side of a registry wherever it is kept. Close it. */
export interface OpenedCandidates extends CandidateSource {
  /** Directory, or address without its password. */
  readonly location: string;
  close(): Promise<void>;
}

/**
 * Opens a registry by what the user typed: `postgres://...` and `postgresql://...` are databases, all else is a directory.
 *
 * @throws what `openRegistry` and `openPostgresRegistry` throw
 */
export async function openAnyRegistry(location: string, options: RegistryOptions = {}): Promise<OpenedRegistry> {
  if (isDatabaseUrl(location)) {
    // The driver costs some 40 ms to load, which nobody pays who has files.
    const { openPostgresRegistry } = await import("./postgres/postgres-registry.ts");
    return openPostgresRegistry(location, options);
  }
  return Object.assign(await openRegistry(location, options), { close: async () => undefined });
}

/**
 * A registry for one who only identifies, in the state that it is in now: of a database, no list of entries is kept.
 *
 * @throws what `openRegistry` and `openPostgresCandidates` throw
 */
export async function openAnyCandidates(location: string, options: RegistryOptions = {}): Promise<OpenedCandidates> {
  // An index is read of tables that are there; where they may have to be made, nothing is large yet.
  if (!isDatabaseUrl(location) || options.create) return openAnyRegistry(location, options);
  const { openPostgresCandidates } = await import("./postgres/postgres-registry.ts");
  return openPostgresCandidates(location);
}
