import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";

/** What Node makes of bytes that are no UTF-8. */
const REPLACED = "\ufffd";

/**
 * The arguments of a command line. Node makes U+FFFD of what is no UTF-8 in them, by which no file is found; where the
 * system tells their bytes (Linux), they stand as `pathText` writes them.
 *
 * @param given as Node tells them
 * @param commandLines bytes of command lines that may have been this one, each argument ended by a zero byte
 */
export async function argumentsOf(given: readonly string[], commandLines = known): Promise<readonly string[]> {
  if (!given.some((text) => text.includes(REPLACED))) return given;
  const { pathText } = await import("../bytes/path-text.ts");
  for (const bytes of commandLines()) {
    const all = split(bytes);
    const own = all.slice(all.length - given.length);
    // Anyone who has changed the command line since, by a title for one, has changed what there was to be found.
    const isSame = own.length === given.length && own.every((one, i) => one.toString("utf8") === given[i]);
    if (isSame && own.some((one) => !isUtf8(one))) return own.map(pathText);
  }
  return given;
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

/** This process's own, and that of the first process of a container, which hands on what Node has made of it. */
function known(): Buffer[] {
  const paths = ["/proc/self/cmdline", ...(process.ppid === 1 ? ["/proc/1/cmdline"] : [])];
  return paths.flatMap((path) => {
    try {
      return [readFileSync(path)];
    } catch {
      return [];
    }
  });
}
