import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, resolve } from "node:path";
import { isAddress, sidesOf } from "./remote.ts";

/** Maps every string of a value, however deep. */
export function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, change)])) as T;
}

/**
 * A function that leaves of every path named on the command line, of the working directory and of the home directory
 * only what comes after the last directory separator.
 */
export function pathRedactor(paths: readonly string[]): (text: string) => string {
  const prefixes = new Set<string>();
  for (const path of paths.flatMap(sidesOf)) {
    // An address is public, and no directory of this machine.
    if (isAddress(path)) continue;
    const forms = [() => resolve(path), () => realpathSync(path)];
    for (const form of [path, ...forms.flatMap(ifThere)]) {
      const directory = dirname(form);
      // "." stands for no directory at all: there is nothing to hide.
      if (directory !== "." && directory !== dirname(directory)) prefixes.add(directory);
      if (basename(form) === "" || basename(form).startsWith("..")) prefixes.add(form);
    }
  }
  for (const directory of [process.cwd, homedir].flatMap(ifThere)) {
    // The root is the home of users that have none of their own, and every path lies in it.
    if (isAbsolute(directory) && directory !== dirname(directory)) prefixes.add(directory);
  }
  return withoutPrefixes([...prefixes]);
}

/** A function that leaves out directories at the beginning of paths, and says "." of one by itself. */
export function withoutPrefixes(prefixes: readonly string[]): (text: string) => string {
  const longestFirst = [...prefixes].sort((a, b) => b.length - a.length);
  return (text) => {
    let shown = text;
    for (const prefix of longestFirst) {
      shown = shown.replaceAll(`${prefix}/`, "").replaceAll(`${prefix}\\`, "").replaceAll(prefix, ".");
    }
    return shown;
  };
}

/** Not every user has a home directory, and the working directory may have been removed: then there is none of its kind. */
export function ifThere(directory: () => string): string[] {
  try {
    return [directory()];
  } catch {
    return [];
  }
}
