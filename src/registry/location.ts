import { homedir } from "node:os";
import { join } from "node:path";

export interface RegistryEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As `process.platform` names it. */
  readonly platform: string;
  readonly home: string;
}

/** Where the registry lies when no directory is given: WEIGHTMARK_REGISTRY, else the platform's user data directory. */
export function defaultRegistryDirectory(
  from: RegistryEnvironment = { env: process.env, platform: process.platform, home: homedir() },
): string {
  const { env, platform, home } = from;
  if (env.WEIGHTMARK_REGISTRY) return env.WEIGHTMARK_REGISTRY;
  if (env.XDG_DATA_HOME) return join(env.XDG_DATA_HOME, "weightmark", "registry");
  if (platform === "win32") return join(env.LOCALAPPDATA ?? join(home, "AppData", "Local"), "weightmark", "registry");
  if (platform === "darwin") return join(home, "Library", "Application Support", "weightmark", "registry");
  return join(home, ".local", "share", "weightmark", "registry");
}
