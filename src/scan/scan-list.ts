import { unlinkSync } from "node:fs";
import { open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writeError } from "../bytes/atomic-file.ts";
import { closing } from "../bytes/closing.ts";
import { fileError, openRegularFile } from "../bytes/regular-file.ts";
import { removeLeftovers, temporaryName } from "../bytes/temporary-name.ts";
import { WeightmarkError } from "../errors.ts";
import { toHex } from "../fingerprint/hex.ts";
import { Blake3 } from "../kernels/blake3.ts";
import { undoOnExit } from "../unfinished.ts";

/** Locations that somebody wrote down; read as often as need be. */
export interface ScanList {
  /** BLAKE3 over the locations, hex: a scan is resumed with the same list or not at all. */
  readonly digest: string;
  readonly count: number;
  locations(): AsyncGenerator<string>;
  /** Removes what was kept of it. */
  close(): Promise<void>;
}

/** Paths have 4,096 bytes at most, names of repositories some hundred; a line without end must not fill memory (CWE-770). */
const MAX_LINE_BYTES = 65_536;
const SPOOL_BYTES = 1 << 20;

function invalid(name: string, line: number, why: string): WeightmarkError {
  return new WeightmarkError("SCAN_LIST_INVALID", `line ${line} of the list ${why}`, {
    file: name,
    detail: 'One location a line, # before remarks, or JSON lines such as {"location": "hf:org/name"}.',
  });
}

/** Lines of a text, without their ends. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  let count = 0;
  for await (const piece of bytes) {
    const all = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, start)) {
      count += 1;
      if (end - start > MAX_LINE_BYTES) throw invalid(name, count, "is longer than any location");
      yield all.subarray(start, end);
      start = end + 1;
    }
    rest = all.subarray(start);
    if (rest.length > MAX_LINE_BYTES) throw invalid(name, count + 1, "is longer than any location");
  }
  if (rest.length > 0) yield rest;
}

/** What a line names, or null when it is empty or a remark. */
function locationIn(bytes: Uint8Array, name: string, number: number): string | null {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
  } catch {
    throw invalid(name, number, "is not UTF-8");
  }
  if (text === "" || text.startsWith("#")) return null;
  const location = text.startsWith("{") ? locationInJson(text, name, number) : text;
  if (location.includes("\0") || location.trim() === "") throw invalid(name, number, "names nothing that can exist");
  return location;
}

function locationInJson(text: string, name: string, number: number): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(name, number, "begins like JSON and is none");
  }
  const { location } = value as { readonly location?: unknown };
  if (typeof location !== "string") throw invalid(name, number, "has no location");
  return location;
}

/**
 * Reads a list to its end and keeps a copy in the user's directory for temporary files: what comes through a pipe cannot
 * be read twice, and a file may change while the scan is under way.
 *
 * @param source a path, or the bytes themselves (standard input)
 * @param name what messages call it
 * @throws SCAN_LIST_INVALID before anything is scanned, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE, WRITE_FAILED
 */
export async function openScanList(
  source: string | AsyncIterable<Uint8Array>,
  name: string,
): Promise<ScanList & AsyncDisposable> {
  await removeLeftovers(tmpdir());
  const path = join(tmpdir(), temporaryName());
  const forget = undoOnExit(() => unlinkSync(path));
  const drop = async () => {
    await unlink(path).catch(() => undefined);
    forget();
  };
  const spool = await open(path, "wx", 0o600).catch((error) => {
    forget();
    throw writeError(error, path);
  });
  try {
    const { digest, count } = await copy(typeof source === "string" ? bytesOf(source) : source, name, async (lines) => {
      await spool.writeFile(lines).catch((error) => {
        throw writeError(error, path);
      });
    });
    // Some network file systems tell only here that the disk is full.
    await spool.close().catch((error) => {
      throw writeError(error, path);
    });
    return closing({
      digest,
      count,
      async *locations() {
        const handle = await open(path, "r");
        const lines = createInterface({ input: handle.createReadStream(), crlfDelay: Number.POSITIVE_INFINITY });
        for await (const line of lines) yield JSON.parse(line) as string;
      },
      close: drop,
    });
  } catch (error) {
    await spool.close().catch(() => undefined);
    await drop();
    throw error;
  }
}

async function copy(bytes: AsyncIterable<Uint8Array>, name: string, keep: (lines: Uint8Array) => Promise<void>) {
  const hash = new Blake3();
  let count = 0;
  let number = 0;
  let held: Buffer[] = [];
  let size = 0;
  const flush = async () => {
    await keep(Buffer.concat(held));
    held = [];
    size = 0;
  };
  for await (const line of linesOf(bytes, name)) {
    number += 1;
    const location = locationIn(line, name, number);
    if (location === null) continue;
    // As JSON: a location may hold line ends, which no reader of lines may take for such.
    const kept = Buffer.from(`${JSON.stringify(location).replace(/[\u2028\u2029]/g, escaped)}\n`, "utf8");
    hash.update(kept);
    count += 1;
    held.push(kept);
    size += kept.length;
    if (size >= SPOOL_BYTES) await flush();
  }
  await flush();
  return { digest: toHex(hash.digest()), count };
}

const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16)}`;

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  const { handle } = await openRegularFile(path);
  try {
    for await (const piece of handle.createReadStream({ autoClose: false })) yield piece as Uint8Array;
  } catch (error) {
    throw fileError(error, path);
  } finally {
    await handle.close();
  }
}
