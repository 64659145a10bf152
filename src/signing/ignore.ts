import { WeightmarkError } from "../errors.ts";
import { ignorePathOf } from "./resource-name.ts";

/** Of the version control that a model is published by, at the root alone: section 6.2 of the specification. */
export const ALWAYS_IGNORED = [".git", ".gitattributes", ".github", ".gitignore"] as const;

/** Whether a path, or a directory that it lies in, is one of those left out. */
export function isIgnored(path: string, ignored: ReadonlySet<string>): boolean {
  if (ignored.has(path)) return true;
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    if (ignored.has(path.slice(0, at))) return true;
  }
  return false;
}

/** What somebody wants left out, relative to the root. Throws USAGE. */
export function ignorePaths(typed: readonly string[]): string[] {
  return typed.map((path) => {
    const canonical = ignorePathOf(path);
    if (canonical !== null) return canonical;
    throw new WeightmarkError("USAGE", "a path that cannot be left out of a signature", {
      file: path,
      detail: "Name files and directories below the model's own directory, relative to it, without * ? [ and ..",
    });
  });
}
