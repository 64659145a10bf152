import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { splitInside } from "../bytes/inside-location.ts";
import { isAddress, sidesOf } from "./remote.ts";

/** Maps every string of a value, however deep, but what names a schema: that has a slash as paths have. */
export function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  const changed = Object.entries(value).map(([key, item]) => [key, key === "schema" ? item : mapStrings(item, change)]);
  return Object.fromEntries(changed) as T;
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
    const forms = isFileUrl(path)
      ? [() => fileURLToPath(path), () => realpathSync(fileURLToPath(path))]
      : [() => resolve(path), () => realpathSync(path)];
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

/** Values behind one another's signs are taken apart so often. */
const MOST_SIGNS = 8;

/** What of a command line could be a path: its arguments, and the values of `--flag=PATH`, `-oPATH` and `NAME=PATH`. */
export function pathsIn(argv: readonly string[]): string[] {
  return argv.flatMap((arg) => {
    const signs = [...arg.matchAll(/=/g)].slice(0, MOST_SIGNS);
    const values = signs.map(({ index }) => arg.slice(index + 1));
    if (!arg.startsWith("-")) return [arg, ...values];
    return arg.startsWith("--") || arg.length < 3 ? values : [arg.slice(2), ...values];
  });
}

/** A function that leaves of what lies in archives, by the places that name it so, only the last part. */
export function memberRedactor(places: readonly string[]): (text: string) => string {
  const directories = new Set(places.map((place) => posix.dirname(splitInside(place)?.inside ?? "")));
  const inner = [...directories].filter((one) => one !== "." && one !== "/").sort((a, b) => b.length - a.length);
  return (text) =>
    inner.reduce(
      (shown, one) =>
        withoutBeginnings(
          shown.replaceAll(`!/${one}/`, () => "!/"),
          one,
        ),
      text,
    );
}

/** A function that leaves out directories at the beginning of paths, and says "." of one by itself. */
export function withoutPrefixes(prefixes: readonly string[]): (text: string) => string {
  const changes = [...prefixes].sort((a, b) => b.length - a.length).map(withoutPrefix);
  return (text) => changes.reduce((shown, change) => change(shown), text);
}

function withoutPrefix(prefix: string): (text: string) => string {
  // One that is no whole path could be any word, or the end of one.
  if (!/^(?:[/\\]|[A-Za-z]:)/.test(prefix)) {
    return (text) => (text === prefix ? "." : withoutBeginnings(text, prefix));
  }
  return (text) => withoutWhole(text.replaceAll(`${prefix}/`, "").replaceAll(`${prefix}\\`, ""), prefix);
}

/** What a name goes on with: "/home/al" is no part of "/home/alice". */
const GOES_ON = /^[\p{L}\p{N}_-]|^\.[\p{L}\p{N}]/u;

/** "." in the place of a directory by itself. By hand: an expression of a hostile length cannot be made. */
function withoutWhole(text: string, directory: string): string {
  let [kept, from] = ["", 0];
  for (let at = text.indexOf(directory); at >= 0; at = text.indexOf(directory, at + 1)) {
    const end = at + directory.length;
    if (at < from || GOES_ON.test(text.slice(end, end + 3))) continue;
    kept += `${text.slice(from, at)}.`;
    from = end;
  }
  return kept + text.slice(from);
}

/** Ends with what a name or a path goes on after. */
const IN_A_NAME = /[\p{L}\p{N}_./\\-]$/u;

/** Without the directory where it begins a path. By hand: an expression of a hostile length cannot be made. */
function withoutBeginnings(text: string, directory: string): string {
  let [kept, from] = ["", 0];
  for (let at = text.indexOf(directory); at >= 0 && at < text.length; ) {
    const end = at + directory.length;
    const begins = !IN_A_NAME.test(text.slice(Math.max(0, at - 2), at));
    const isFollowed = text[end] === "/" || text[end] === "\\";
    if (begins && isFollowed) {
      kept += text.slice(from, at);
      from = end + 1;
    }
    at = text.indexOf(directory, begins && isFollowed ? from : at + 1);
  }
  return kept + text.slice(from);
}

function isFileUrl(path: string): boolean {
  return /^file:\/\//i.test(path);
}

/** Not every user has a home directory, and the working directory may have been removed: then there is none of its kind. */
export function ifThere(directory: () => string): string[] {
  try {
    return [directory()];
  } catch {
    return [];
  }
}
