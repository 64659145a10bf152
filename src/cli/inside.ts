import type { Command } from "commander";
import { insideLocation, splitInside } from "../bytes/inside-location.ts";

/** The flag of the commands that take one model, or one above all: which of the models in an archive is meant. */
export function withInside(command: Command): Command {
  const [first] = command.registeredArguments;
  return command
    .option(
      "--inside <name>",
      `the file or folder in ${first!.name()}, a zip, wheel, tar or tar.gz; the same as ${first!.name()}!/NAME`,
    )
    .hook("preAction", (_program, action) => {
      const { inside } = action.opts<{ readonly inside?: string }>();
      const [model] = action.processedArgs;
      if (inside !== undefined && typeof model === "string") action.processedArgs[0] = insideLocation(model, inside);
    });
}

/** The path as it was named and, where it leads into an archive, that of the archive. */
export function withArchive(path: string): string[] {
  const split = splitInside(path);
  return split === null ? [path] : [path, split.archive];
}
