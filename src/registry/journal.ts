import { constants } from "node:fs";
import { open, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { writeError } from "../bytes/atomic-file.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import { openFileSource } from "../bytes/file-source.ts";
import { type FileIdentity, identityOf, sameIdentity } from "../bytes/regular-file.ts";
import { writeFully } from "../bytes/write-fully.ts";
import { WeightmarkError } from "../errors.ts";
import { digestOf } from "./digest.ts";
import { corrupt, rolledBack } from "./journal-error.ts";
import { type Head, readHead, writeHead } from "./journal-head.ts";
import { isDigest } from "./names.ts";
import { isPartList, NO_PARTS } from "./parts.ts";
import type { RegistryEntry } from "./registry.ts";

/** First field of every record: a registry written by other rules is refused, not guessed at. */
const SCHEMA = "weightmark/registry-journal@1";
/** Bytes of the journal in memory at a time: a million changes are 550 MB. */
const PIECE_BYTES = 1 << 22;
/** All changes of an import are one line, and one line must fit into a string: about a million entries. */
const MAX_LINE_BYTES = 500_000_000;

/** A million additions take nothing away and make no lists. */
const NONE: readonly string[] = [];

export type Change = { readonly put: RegistryEntry } | { readonly remove: string };
type StoredChange = { readonly put: StoredEntry } | { readonly remove: string };

/** One line of `journal.jsonl`: all its changes happen, or none. `previous` chains it to the line before. */
interface JournalRecord {
  readonly schema: typeof SCHEMA;
  readonly generation: number;
  readonly at: string | null;
  readonly previous: string;
  readonly codesLength: number;
  readonly changes: readonly StoredChange[];
}

export interface JournalState {
  readonly generation: number;
  /** BLAKE3 of the last line, hex; of nothing when there is none. */
  readonly head: string;
  readonly updatedAt: string | null;
  /** By digest. The state's own: `appendJournal` changes it. */
  readonly entries: Map<string, RegistryEntry>;
  /** Bytes of `codes.bin` that belong to this state; what follows them is of a change that never happened. */
  readonly codesLength: number;
  /** Bytes up to the end of the last whole line: a torn last line is what a crash left, and the next writer cuts it off. */
  readonly length: number;
  /** The file as it was left, or null when it was not there. */
  readonly file: FileIdentity | null;
  /** Whether `head.json` names this state. Where it does not, the one who made it was killed before its last steps. */
  readonly isHeaded: boolean;
  /** Digests that the last change took away. */
  readonly removed: readonly string[];
}

export function emptyJournal(): JournalState {
  const nothing = { generation: 0, head: digestOf(""), updatedAt: null, codesLength: 0 };
  return { ...nothing, entries: new Map(), length: 0, file: null, isHeaded: true, removed: [] };
}

/** An entry as a record holds it: `parts` is left out where there are none, as in the journals of releases before them. */
type StoredEntry = Omit<RegistryEntry, "parts"> & Partial<Pick<RegistryEntry, "parts">>;

function stored(change: Change): StoredChange {
  if ("remove" in change || change.put.parts.length > 0) return change;
  const { parts: _, ...entry } = change.put;
  return { put: entry };
}

/** Digests that no entry has after the changes. */
export function removedBy(changes: readonly (Change | StoredChange)[]): readonly string[] {
  if (!changes.some((change) => "remove" in change)) return NONE;
  const removed = new Set<string>();
  for (const change of changes) {
    if ("put" in change) removed.delete(change.put.digest);
    else removed.add(change.remove);
  }
  return [...removed];
}

/** The very same object: a million copies would take longer than the rest of reading them. */
function withParts(entry: StoredEntry): RegistryEntry {
  return entry.parts === undefined ? Object.assign(entry, { parts: NO_PARTS }) : (entry as RegistryEntry);
}

function isEntry(value: unknown): value is StoredEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Record<string, unknown>;
  return (
    typeof entry.digest === "string" &&
    isDigest(entry.digest) &&
    typeof entry.name === "string" &&
    typeof entry.root === "boolean" &&
    (entry.addedAt === null || typeof entry.addedAt === "string") &&
    Number.isSafeInteger(entry.bytes) &&
    Number.isSafeInteger(entry.version) &&
    typeof entry.family === "string" &&
    (entry.depth === "sampled" || entry.depth === "full") &&
    Number.isSafeInteger(entry.parameters) &&
    (entry.parts === undefined || isPartList(entry.parts))
  );
}

function parseRecord(line: string, number: number, directory: string): JournalRecord {
  let record: JournalRecord;
  try {
    record = JSON.parse(line) as JournalRecord;
  } catch {
    throw corrupt(directory, `is not JSON in line ${number}`);
  }
  if (typeof record !== "object" || record === null) throw corrupt(directory, `is no record in line ${number}`);
  if (record.schema !== SCHEMA) {
    throw new WeightmarkError("REGISTRY_VERSION", "the registry was written by another version of weightmark", {
      file: join(directory, "journal.jsonl"),
      detail: "Use that version to export it, or register the models again.",
    });
  }
  const wellFormed =
    Array.isArray(record.changes) &&
    (record.at === null || typeof record.at === "string") &&
    Number.isSafeInteger(record.codesLength) &&
    record.codesLength >= 0;
  if (!wellFormed) throw corrupt(directory, `is no record in line ${number}`);
  return record;
}

/** Applies a record's changes to `entries`; throws when they make no sense. */
function apply(entries: Map<string, RegistryEntry>, record: JournalRecord, directory: string): void {
  for (const change of record.changes as readonly Record<string, unknown>[]) {
    if (isEntry(change?.put)) entries.set(change.put.digest, withParts(change.put));
    else if (typeof change?.remove !== "string" || !entries.delete(change.remove)) {
      throw corrupt(directory, `has an impossible change in line ${record.generation}`);
    }
  }
}

/**
 * Replays the journal, or null when there is none. Every line carries the BLAKE3 of the line before it, and `head.json`
 * the generation reached: a journal edited anywhere, or put back to an earlier state by itself, is refused.
 *
 * @throws REGISTRY_CORRUPT, REGISTRY_VERSION, REGISTRY_ROLLED_BACK
 */
export async function readJournal(directory: string): Promise<JournalState | null> {
  // The head first: a writer that comes in between makes the journal newer than the head, which is no fault.
  const head = await readHead(directory);
  // Before it is read: what is written meanwhile makes it another file.
  const file = await identify(directory);
  const source = await openJournal(directory);
  if (source === null) {
    if (head === null) return null;
    throw rolledBack(directory, head.generation, 0);
  }
  try {
    const { state, headSeen } = await replay(directory, source, head);
    if (!headSeen && head !== null) throw shorter(directory, source, state, head);
    return { ...state, file, isHeaded: state.generation === (head?.generation ?? 0) };
  } finally {
    await source.close();
  }
}

/**
 * `readJournal` for who has replayed it before: nothing is read when the file is the very one that was left, to its size and
 * the time it was written. Who adds a million models one by one would else replay them a million times.
 */
export async function refreshJournal(directory: string, known: JournalState): Promise<JournalState | null> {
  const [head, file] = [await readHead(directory), await identify(directory)];
  const isKnown =
    file !== null &&
    known.file !== null &&
    sameIdentity(file, known.file) &&
    head?.generation === known.generation &&
    head.digest === known.head;
  return isKnown ? known : readJournal(directory);
}

async function identify(directory: string): Promise<FileIdentity | null> {
  const stats = await stat(join(directory, "journal.jsonl"), { bigint: true }).catch(() => null);
  return stats === null ? null : identityOf(stats);
}

async function openJournal(directory: string): Promise<ByteSource | null> {
  return openFileSource(join(directory, "journal.jsonl")).catch((error) => {
    if (error instanceof WeightmarkError && error.code === "FILE_NOT_FOUND") return null;
    throw error;
  });
}

/** Whole lines, many at a time. */
async function* wholeLines(source: ByteSource, directory: string): AsyncGenerator<Buffer> {
  let torn: Buffer[] = [];
  let tornBytes = 0;
  for (let at = 0; at < source.size; at += PIECE_BYTES) {
    const bytes = await source.read(at, Math.min(at + PIECE_BYTES, source.size));
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = piece.lastIndexOf(0x0a) + 1;
    if (end > 0) {
      yield Buffer.concat([...torn, piece.subarray(0, end)]);
      torn = [];
      tornBytes = 0;
    }
    torn.push(piece.subarray(end));
    tornBytes += piece.length - end;
    if (tornBytes > MAX_LINE_BYTES) throw corrupt(directory, `has a line of more than ${MAX_LINE_BYTES} bytes`);
  }
}

/** Applies all lines; whether the head was one of them. */
async function replay(
  directory: string,
  source: ByteSource,
  head: Head | null,
): Promise<{ readonly state: JournalState; readonly headSeen: boolean }> {
  const { entries, ...empty } = emptyJournal();
  let { generation, head: previous, updatedAt, codesLength, length, removed } = empty;
  let headSeen = head === null;
  for await (const lines of wholeLines(source, directory)) {
    for (let start = 0; start < lines.length; ) {
      const end = lines.indexOf(0x0a, start);
      const record = parseRecord(lines.toString("utf8", start, end), generation + 1, directory);
      if (record.generation !== generation + 1 || record.previous !== previous) {
        throw corrupt(directory, `was damaged or altered in line ${generation + 1}, or in the one before`);
      }
      apply(entries, record, directory);
      removed = removedBy(record.changes);
      generation = record.generation;
      previous = digestOf(lines.subarray(start, end));
      updatedAt = record.at;
      codesLength = record.codesLength;
      if (head?.generation === generation) {
        if (head.digest !== previous) {
          throw corrupt(directory, `was damaged or altered in line ${generation}, or head.json beside it was`);
        }
        headSeen = true;
      }
      length += end + 1 - start;
      start = end + 1;
    }
  }
  const state = { ...empty, generation, head: previous, updatedAt, codesLength, entries, length, removed };
  return { state, headSeen };
}

/** Why the journal ends before the head. */
function shorter(directory: string, source: ByteSource, state: JournalState, head: Head): WeightmarkError {
  if (source.size > state.length) return corrupt(directory, `was damaged or cut off in line ${state.generation + 1}`);
  // The number alone is another one.
  if (head.digest === state.head) return corrupt(directory, "cannot be checked: head.json is damaged");
  return rolledBack(directory, head.generation, state.generation);
}

function encodeRecord(record: JournalRecord, directory: string): Buffer {
  try {
    const line = Buffer.from(JSON.stringify(record), "utf8");
    if (line.length <= MAX_LINE_BYTES) return line;
  } catch (error) {
    // The text would be longer than any string can be.
    if (!(error instanceof RangeError)) throw error;
  }
  throw new WeightmarkError("WRITE_FAILED", `${record.changes.length} changes are more than can be made at once`, {
    file: directory,
    detail: "Import fewer entries at a time: about a million.",
  });
}

/** Writes a line behind the first `at` bytes of the journal, and cuts off what followed them. */
async function appendLine(path: string, at: number, line: Uint8Array): Promise<FileIdentity> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o666);
  try {
    await handle.truncate(at);
    await writeFully(handle, Buffer.concat([line, Buffer.from("\n")]), at);
    await handle.sync();
    return identityOf(await handle.stat({ bigint: true }));
  } finally {
    await handle.close();
  }
}

/** Puts the journal back to what it was, as far as the disk lets it: a change that was reported as failed did not happen. */
async function takeBack(path: string, { file, length }: JournalState): Promise<void> {
  if (file === null) await unlink(path);
  else {
    const handle = await open(path, "r+");
    try {
      await handle.truncate(length);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/**
 * Appends one record and returns the state after it, in which the entries of `state` live on. Call with the directory locked
 * and `state` freshly read.
 *
 * @throws WRITE_FAILED; the journal is as it was then
 */
export async function appendJournal(
  directory: string,
  state: JournalState,
  at: string | null,
  changes: readonly Change[],
  codesLength: number,
): Promise<JournalState> {
  const generation = state.generation + 1;
  const about = { schema: SCHEMA, generation, at, previous: state.head, codesLength } as const;
  const record: JournalRecord = { ...about, changes: changes.map(stored) };
  const line = encodeRecord(record, directory);
  const path = join(directory, "journal.jsonl");
  const head = digestOf(line);
  let file: FileIdentity;
  try {
    file = await appendLine(path, state.length, line);
    await writeHead(directory, { generation, digest: head });
  } catch (error) {
    await takeBack(path, state).catch(() => undefined);
    throw writeError(error, path);
  }
  apply(state.entries, record, directory);
  const length = state.length + line.length + 1;
  const { entries } = state;
  const removed = removedBy(changes);
  return { generation, head, updatedAt: at, codesLength, entries, length, file, isHeaded: true, removed };
}
