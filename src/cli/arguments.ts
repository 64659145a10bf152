import { readFileSync } from "node:fs";

/** What Node makes of bytes that are no UTF-8. */
const REPLACED = "\ufffd";

/**
 * The arguments of a command line. Node makes U+FFFD of what is no UTF-8 in them, by which no file is found; where the
 * system tells their bytes (Linux), they stand as `pathText` writes them.
 *
 * @param given as Node tells them
 * @param commandLine the bytes of the command line, each argument ended by a zero byte
 */
export async function argumentsOf(given: readonly string[], commandLine = ownCommandLine): Promise<readonly string[]> {
  if (!given.some((text) => text.includes(REPLACED))) return given;
  const bytes = commandLine();
  if (bytes === null) return given;
  const { pathText } = await import("../index.ts");
  const all = split(bytes);
  const own = all.slice(all.length - given.length);
  // Whoever has changed the command line since, by a title for one, has changed what there was to be found.
  if (own.length < given.length || own.some((one, i) => one.toString("utf8") !== given[i])) return given;
  return own.map(pathText);
}

function split(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    parts.push(bytes.subarray(start, end < 0 ? bytes.length : end));
    start = end < 0 ? bytes.length : end + 1;
  }
  return parts;
}

function ownCommandLine(): Buffer | null {
  try {
    return readFileSync("/proc/self/cmdline");
  } catch {
    return null;
  }
}
