import { WeightmarkError } from "../../errors.ts";
import { parseParameters, type ScanParameters } from "../parameters.ts";
import { scanItemOf } from "../stored-item.ts";
import type { JournalHandle } from "./append.ts";
import { ItemIndex } from "./index-of-items.ts";
import { lineSum, NO_CHECK, readLine } from "./line.ts";

/** First line of every journal; one of other rules is refused, not guessed at. */
export const SCHEMA = "weightmark/scan-journal@1";
const ANY_SCHEMA = "weightmark/scan-journal@";

/** Far above any item: a file without line ends must not fill memory (CWE-770). */
const MAX_LINE_BYTES = 4 << 20;
const PIECE_BYTES = 1 << 20;

export interface JournalContent {
  readonly parameters: ScanParameters;
  readonly index: ItemIndex;
  readonly complete: boolean;
  /** Check of the last whole line. */
  readonly check: string;
  /** Bytes up to the end of the last whole line: what follows was never acknowledged. */
  readonly end: number;
}

export function corrupt(
  path: string,
  why: string,
  detail = "Begin anew with `restart`, or with another `journal`.",
): WeightmarkError {
  return new WeightmarkError("SCAN_JOURNAL_CORRUPT", `the journal ${why}`, { file: path, detail });
}

interface RawLine {
  /** From 1. */
  readonly number: number;
  readonly offset: number;
  /** Bytes without the newline. */
  readonly bytes: Buffer;
  readonly whole: boolean;
}

/** Lines of a file in bounded memory; the last one is not whole when it lacks its newline. */
export async function* readLines(handle: JournalHandle, path: string): AsyncGenerator<RawLine> {
  let rest: Buffer = Buffer.alloc(0);
  let at = 0;
  let number = 1;
  for (;;) {
    const piece = Buffer.alloc(PIECE_BYTES);
    const { bytesRead } = await handle.read(piece, 0, PIECE_BYTES, at + rest.length);
    const bytes = Buffer.concat([rest, piece.subarray(0, bytesRead)]);
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      yield { number: number++, offset: at + start, bytes: bytes.subarray(start, end), whole: true };
      start = end + 1;
    }
    rest = bytes.subarray(start);
    at += start;
    if (rest.length > MAX_LINE_BYTES) throw corrupt(path, `has no item in line ${number}, which has no end`);
    if (bytesRead > 0) continue;
    if (rest.length > 0) yield { number, offset: at, bytes: rest, whole: false };
    return;
  }
}

/** What the first line says, or null when the file is empty. */
export async function readHeader(handle: JournalHandle, path: string): Promise<JournalContent | null> {
  for await (const { bytes, whole } of readLines(handle, path)) {
    const line = whole ? readLine(NO_CHECK, bytes.toString("utf8")) : null;
    const header = line?.kind === "scan" ? (line.value as { schema?: unknown; parameters?: unknown }) : null;
    // Never to be replaced by a journal, whatever the user says: it may be anything.
    if (typeof header?.schema !== "string") throw notOurs(path, bytes);
    const parameters = header.schema === SCHEMA ? parseParameters(header.parameters) : null;
    if (parameters === null) throw corrupt(path, "was written by another version of weightmark");
    return { parameters, index: new ItemIndex(), complete: false, check: line!.check, end: bytes.length + 1 };
  }
  return null;
}

function notOurs(path: string, firstLine: Buffer): WeightmarkError {
  if (!firstLine.includes(ANY_SCHEMA)) return corrupt(path, "is none: this is another file", "Name another `journal`.");
  return corrupt(path, "was damaged or altered in line 1", "Move it away, or name another `journal`, and begin anew.");
}

/**
 * Reads a journal and checks its chain; null when the file is empty. A last line without its newline, and a tail of
 * zeros, are what a killed process or a power cut leaves: they are not part of it.
 *
 * @throws SCAN_JOURNAL_CORRUPT for any other line that is not the one that was written
 */
export async function readJournal(handle: JournalHandle, path: string): Promise<JournalContent | null> {
  const header = await readHeader(handle, path);
  if (header === null) return null;
  const { parameters, index } = header;
  let { check, end } = header;
  let complete = false;
  for await (const raw of readLines(handle, path)) {
    const { offset, bytes, whole } = raw;
    if (offset === 0) continue;
    if (!whole || bytes.includes(0)) {
      if (whole) await requireNothingAfter(handle, path, raw);
      break;
    }
    const line = complete ? null : readLine(check, bytes.toString("utf8"));
    if (line === null) throw altered(path, raw);
    if (line.kind === "end") complete = true;
    else {
      const item = line.kind === "item" ? scanItemOf(line.value) : null;
      if (item === null) throw altered(path, raw);
      const passing = item.failure?.passing ?? false;
      index.set(item.id, { offset, length: bytes.length + 1, passing, sum: lineSum(bytes) });
    }
    ({ check } = line);
    end = offset + bytes.length + 1;
  }
  return { parameters, index, complete, check, end };
}

/** Zeros in the middle are damage, zeros at the end are a file that was made longer before its data was written. */
async function requireNothingAfter(handle: JournalHandle, path: string, zeros: RawLine): Promise<void> {
  for await (const { offset, bytes } of readLines(handle, path)) {
    if (offset > zeros.offset && bytes.length > 0 && !bytes.includes(0)) throw altered(path, zeros);
  }
}

function altered(path: string, { number, offset }: Pick<RawLine, "number" | "offset">): WeightmarkError {
  return corrupt(path, `was damaged or altered in line ${number}, at byte ${offset} or behind it`);
}
