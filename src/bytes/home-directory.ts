import { homedir } from "node:os";
import { isAbsolute } from "node:path";
import { WeightmarkError } from "../errors.ts";

/**
 * The user's home directory, or null where there is none: a user id that the password file does not know has one only if
 * HOME says so (containers, systemd's DynamicUser, cron). An empty or relative HOME would be another place in every
 * working directory, and counts as none.
 */
export function homeDirectory(ask: () => string = homedir): string | null {
  try {
    const directory = ask();
    return isAbsolute(directory) ? directory : null;
  } catch {
    return null;
  }
}

/**
 * The refusal where something has its place in the home directory, and there is no such directory.
 *
 * @param what "the registry"
 * @param instead how else the place can be named: "--registry"
 */
export function noHomeDirectory(what: string, instead: string): WeightmarkError {
  return new WeightmarkError("NO_HOME_DIRECTORY", `there is no home directory in which ${what} could lie`, {
    detail: `Set HOME, or name the place: ${instead}.`,
  });
}
