import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError } from "commander";
import { WeightmarkError } from "../errors.ts";

/** The flag of all commands that read models of this machine. */
export interface LinkOptions {
  readonly allowLinks?: readonly string[];
}

/** The flag of the commands whose arguments may be models of this machine, which are named by paths or by `file:` URLs. */
export function withLocalModels(command: Command): Command {
  for (const argument of command.registeredArguments) {
    if (!argument.variadic) argument.argParser(pathOf);
    else argument.argParser<string[]>((value, before = []) => [...before, pathOf(value)]);
  }
  return command.option(
    "--allow-links <dir>",
    "let symbolic links of a model lead into DIR, as those of DVC or a moved cache do (may be repeated)",
    (value: string, before: readonly string[] = []) => [...before, value],
  );
}

/** The path that a `file:` URL names; any other location as it is. */
export function pathOf(location: string): string {
  if (!/^file:\/\//i.test(location)) return location;
  try {
    return fileURLToPath(location);
  } catch {
    throw new InvalidArgumentError("A file URL of this machine is file:///path; the path itself will do.");
  }
}

/**
 * The directories that links may lead into.
 *
 * @throws FILE_NOT_FOUND, USAGE: what is mistyped would allow nothing, and say that a link leads out
 */
export async function linksOf({ allowLinks = [] }: LinkOptions): Promise<readonly string[]> {
  if (allowLinks.length === 0) return allowLinks;
  const { fsPath } = await import("../bytes/path-text.ts");
  for (const directory of allowLinks) {
    const found = await stat(fsPath(directory)).catch(() => null);
    if (found === null) {
      throw new WeightmarkError("FILE_NOT_FOUND", "--allow-links names no directory that is there", {
        file: directory,
      });
    }
    if (!found.isDirectory()) {
      throw new WeightmarkError("USAGE", "--allow-links takes directories", {
        file: directory,
        detail: "Name the directory that the links lead into.",
      });
    }
  }
  return allowLinks;
}
