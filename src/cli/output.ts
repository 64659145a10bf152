import { type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import { WeightmarkError } from "../errors.ts";

const STDOUT = new Set(["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]);

/** Whether an output is standard output: "-", as everywhere, or one of its names. A file of that name is "./-". */
export function isStandardOutput(output: string): boolean {
  return output === "-" || STDOUT.has(resolve(output));
}

/**
 * Refuses what no file can be put in the place of, before anything is read for it.
 *
 * @throws NOT_A_REGULAR_FILE
 */
export function requireFilePlace(output: string, look: (path: string) => Stats | undefined = stats): void {
  const there = look(output);
  if (there === undefined || there.isFile()) return;
  // A rename onto /dev/null would replace the device itself.
  throw new WeightmarkError(
    "NOT_A_REGULAR_FILE",
    there.isDirectory() ? "the output is a directory" : "the output is no regular file",
    {
      file: output,
      detail: there.isDirectory()
        ? "Name a file in it."
        : "Leave out -o: results go to standard output then, which a shell sends anywhere with > or |.",
    },
  );
}

/** Refuses to send to standard output what is no text. Throws USAGE. */
export function requireNoStream(output: string): void {
  if (!isStandardOutput(output)) return;
  throw new WeightmarkError("USAGE", "this command writes a file, and says on standard output what is in it", {
    file: output,
    detail: "Name a file with -o; write ./- for one that is called -.",
  });
}

function stats(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // What cannot be looked at is told when it is written.
    return undefined;
  }
}
