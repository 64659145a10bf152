import { join } from "node:path";
import { homeDirectory, noHomeDirectory } from "../bytes/home-directory.ts";

export interface RegistryEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As `process.platform` names it. */
  readonly platform: string;
  /** Null where the user has none. */
  readonly home: string | null;
}

export const userEnvironment = (): RegistryEnvironment => ({
  env: process.env,
  platform: process.platform,
  home: homeDirectory(),
});

/**
 * Where the registry lies when no directory is given: WEIGHTMARK_REGISTRY, else the platform's user data directory.
 *
 * @throws NO_HOME_DIRECTORY
 */
export function defaultRegistryDirectory(from: RegistryEnvironment = userEnvironment()): string {
  const { env, platform, home } = from;
  if (env.WEIGHTMARK_REGISTRY) return env.WEIGHTMARK_REGISTRY;
  if (env.XDG_DATA_HOME) return join(env.XDG_DATA_HOME, "weightmark", "registry");
  if (platform === "win32" && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, "weightmark", "registry");
  if (home === null) throw noHomeDirectory("the registry", "`registry`, WEIGHTMARK_REGISTRY or XDG_DATA_HOME");
  if (platform === "win32") return join(home, "AppData", "Local", "weightmark", "registry");
  if (platform === "darwin") return join(home, "Library", "Application Support", "weightmark", "registry");
  return join(home, ".local", "share", "weightmark", "registry");
}
