import { closing } from "../bytes/closing.ts";
import type { CandidateSource } from "../lineage/candidate-source.ts";
import { openIndexedRegistry, openRegistry, type RegistryOptions } from "./file-registry.ts";
import { isDatabaseUrl } from "./postgres/connection-url.ts";
import { withDriver } from "./postgres/driver.ts";
import type { Registry } from "./registry.ts";
import type { RegistryIndex } from "./registry-index.ts";

/** A registry wherever it is kept. Close it: one in a database holds connections. */
export interface OpenedRegistry extends Registry, AsyncDisposable {
  close(): Promise<void>;
}

/** The read side of a registry wherever it is kept. Close it. */
export interface OpenedCandidates extends CandidateSource, AsyncDisposable {
  /** Directory, or address without its password. */
  readonly location: string;
  /** What `candidates` searches, for `openAnyIndexed` in other threads. */
  index(): Promise<RegistryIndex>;
  close(): Promise<void>;
}

/**
 * Opens a registry by what the user typed: `postgres://...` and `postgresql://...` are databases, all else is a directory.
 *
 * @throws what `openRegistry` and `openPostgresRegistry` throw
 * @example
 * import { openSubject } from "weightmark";
 * import { openAnyRegistry } from "weightmark/registry";
 *
 * await using registry = await openAnyRegistry("./registry", { create: true });
 * await using base = await openSubject("hf:org/base");
 * const { status } = await registry.add(base.fingerprint, { name: "org/base", root: true });
 */
export async function openAnyRegistry(location: string, options: RegistryOptions = {}): Promise<OpenedRegistry> {
  if (isDatabaseUrl(location)) {
    // The driver costs some 40 ms to load, which nobody pays who has files.
    const { openPostgresRegistry } = await withDriver(() => import("./postgres/postgres-registry.ts"));
    return closing(await openPostgresRegistry(location, options));
  }
  return closing(Object.assign(await openRegistry(location, options), { close: async () => undefined }));
}

/**
 * A registry for one who only identifies, in the state that it is in now: of a database, no list of entries is kept.
 *
 * @throws what `openRegistry` and `openPostgresCandidates` throw
 */
export async function openAnyCandidates(location: string, options: RegistryOptions = {}): Promise<OpenedCandidates> {
  // An index is read of tables that are there; where they may have to be made, nothing is large yet.
  if (!isDatabaseUrl(location) || options.create) return openAnyRegistry(location, options);
  const { openPostgresCandidates } = await withDriver(() => import("./postgres/postgres-registry.ts"));
  return closing(await openPostgresCandidates(location));
}

/**
 * A registry in the state that was indexed, for worker threads that share the index: nothing but the fingerprints asked for
 * is read.
 *
 * @throws what `openPostgresCandidates` throws
 */
export async function openAnyIndexed(location: string, index: RegistryIndex): Promise<OpenedCandidates> {
  if (isDatabaseUrl(location)) {
    const { openPostgresCandidates } = await withDriver(() => import("./postgres/postgres-registry.ts"));
    return closing(await openPostgresCandidates(location, { index }));
  }
  const source = openIndexedRegistry(location, index);
  return closing(Object.assign(source, { location, index: async () => index, close: async () => undefined }));
}
