import { homedir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../registry/digest.ts";
import type { RegistryEnvironment } from "../registry/location.ts";
import type { ScanParameters } from "./parameters.ts";

const MACHINE = (): RegistryEnvironment => ({ env: process.env, platform: process.platform, home: homedir() });

/**
 * The journal of a scan when none is named: in the user's directory for state, called by what decides what is scanned, so
 * that the same command line finds it again. Registry, keys and version are left out: when they have changed, the scan is
 * told so (SCAN_DIFFERS), and does not silently begin anew.
 */
export function defaultJournalPath(parameters: ScanParameters, from = MACHINE()): string {
  const { inputs, include, exclude, depth } = parameters;
  const name = digestOf(JSON.stringify([inputs, include, exclude, depth])).slice(0, 32);
  return join(stateDirectory(from), "scans", `${name}.jsonl`);
}

/** Fingerprints that scans have made: in the user's directory for caches. */
export function defaultCacheDirectory(from = MACHINE()): string {
  const { env, platform, home } = from;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "weightmark");
  if (platform === "win32") return join(localAppData(from), "weightmark", "cache");
  if (platform === "darwin") return join(home, "Library", "Caches", "weightmark");
  return join(home, ".cache", "weightmark");
}

function stateDirectory(from: RegistryEnvironment): string {
  const { env, platform, home } = from;
  if (env.XDG_STATE_HOME) return join(env.XDG_STATE_HOME, "weightmark");
  if (platform === "win32") return join(localAppData(from), "weightmark", "state");
  if (platform === "darwin") return join(home, "Library", "Application Support", "weightmark", "state");
  return join(home, ".local", "state", "weightmark");
}

function localAppData({ env, home }: RegistryEnvironment): string {
  return env.LOCALAPPDATA ?? join(home, "AppData", "Local");
}
