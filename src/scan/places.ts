import { join } from "node:path";
import { noHomeDirectory } from "../bytes/home-directory.ts";
import { digestOf } from "../registry/digest.ts";
import { type RegistryEnvironment, userEnvironment } from "../registry/location.ts";
import type { ScanParameters } from "./parameters.ts";

/**
 * The journal of a scan when none is named: in the user's directory for state, called by what decides what is scanned, so
 * that the same command line finds it again. Registry, keys and version are left out: when they have changed, the scan is
 * told so (SCAN_DIFFERS), and does not silently begin anew.
 *
 * @throws NO_HOME_DIRECTORY
 */
export function defaultJournalPath(parameters: ScanParameters, from = userEnvironment()): string {
  const { inputs, include, exclude, depth, allowLinks } = parameters;
  const asked = [inputs, include, exclude, depth, ...(allowLinks === undefined ? [] : [allowLinks])];
  const name = digestOf(JSON.stringify(asked)).slice(0, 32);
  return join(stateDirectory(from), "scans", `${name}.jsonl`);
}

/** Fingerprints that scans have made: in the user's directory for caches. Throws NO_HOME_DIRECTORY. */
export function defaultCacheDirectory(from = userEnvironment()): string {
  const { env, platform, home } = from;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "weightmark");
  if (platform === "win32" && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, "weightmark", "cache");
  if (home === null)
    throw noHomeDirectory("the cache", "`cacheDirectory` or XDG_CACHE_HOME, or use none (`cacheDirectory: null`)");
  if (platform === "win32") return join(home, "AppData", "Local", "weightmark", "cache");
  if (platform === "darwin") return join(home, "Library", "Caches", "weightmark");
  return join(home, ".cache", "weightmark");
}

function stateDirectory(from: RegistryEnvironment): string {
  const { env, platform, home } = from;
  if (env.XDG_STATE_HOME) return join(env.XDG_STATE_HOME, "weightmark");
  if (platform === "win32" && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, "weightmark", "state");
  if (home === null) throw noHomeDirectory("the journal of the scan", "`journal` or XDG_STATE_HOME");
  if (platform === "win32") return join(home, "AppData", "Local", "weightmark", "state");
  if (platform === "darwin") return join(home, "Library", "Application Support", "weightmark", "state");
  return join(home, ".local", "state", "weightmark");
}
