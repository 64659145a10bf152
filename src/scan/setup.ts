import type { RemoteSettings } from "../checkpoint/remote-environment.ts";
import type { ReadingDepth } from "../fingerprint/fingerprint.ts";
import type { RegistryIndex } from "../registry/registry-index.ts";

/** What a worker thread needs to work on any target of a scan. Plain data, of this machine only: it may hold secrets. */
export interface ScanSetup {
  /** Of the tool: what one release refuses, another may read. */
  readonly version: string;
  /** Directory or database URL of the registry, or null when models are not held against one. */
  readonly registry: string | null;
  /** The digest that it must have: all models of a scan are held against the same bases. Null to take it as it is. */
  readonly registryDigest: string | null;
  /** Its index, for threads: one in memory for all of them. Absent: they read it themselves. */
  readonly registryIndex?: RegistryIndex | undefined;
  /** Watermark keys: sealed key files in a directory, and the passphrase that opens them. */
  readonly keys: { readonly directory: string; readonly passphrase: string | null } | null;
  /** Where fingerprints are cached, or null. */
  readonly cacheDirectory: string | null;
  readonly depth: ReadingDepth;
  readonly maxBytes: number | null;
  /** Seconds a target may take, or null. */
  readonly timeout: number | null;
  readonly remote: RemoteSettings;
  /** Directories that links may lead into. Absent: none. */
  readonly allowLinks?: readonly string[] | undefined;
  /** Targets are listed on this machine, so that their files can be known again. Absent: elsewhere. */
  readonly listedHere?: boolean | undefined;
  /** Leave times out of the results. */
  readonly deterministic: boolean;
  /** Memory of the host gate that all threads share. */
  readonly gate: SharedArrayBuffer;
}
