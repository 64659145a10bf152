import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../bytes/atomic-file.ts";
import { WeightmarkError } from "../errors.ts";
import { digestOf } from "./digest.ts";
import { isDigest } from "./names.ts";
import type { RegistryEntry } from "./registry.ts";
import { readStored } from "./stored-file.ts";

/** First field of every record: a registry written by other rules is refused, not guessed at. */
const SCHEMA = "weightmark/registry-journal@1";
/** 100,000 entries are about 40 MB. */
const MAX_JOURNAL_BYTES = 2 ** 30;
const MAX_HEAD_BYTES = 4096;

export type Change = { readonly put: RegistryEntry } | { readonly remove: string };

/** One line of `journal.jsonl`: all its changes happen, or none. `previous` chains it to the line before. */
interface JournalRecord {
  readonly schema: typeof SCHEMA;
  readonly generation: number;
  readonly at: string | null;
  readonly previous: string;
  readonly codesLength: number;
  readonly changes: readonly Change[];
}

export interface JournalState {
  readonly generation: number;
  /** BLAKE3 of the last line, hex; of nothing when there is none. */
  readonly head: string;
  readonly updatedAt: string | null;
  readonly entries: ReadonlyMap<string, RegistryEntry>;
  /** Bytes of `codes.bin` that belong to this state; what follows them is of a change that never happened. */
  readonly codesLength: number;
  /** Bytes up to the end of the last whole line: a torn last line is what a crash left, and the next writer cuts it off. */
  readonly length: number;
}

export const EMPTY_JOURNAL: JournalState = {
  generation: 0,
  head: digestOf(""),
  updatedAt: null,
  codesLength: 0,
  entries: new Map(),
  length: 0,
};

function corrupt(directory: string, why: string): WeightmarkError {
  return new WeightmarkError("REGISTRY_CORRUPT", `the registry's journal ${why}`, {
    file: join(directory, "journal.jsonl"),
    detail: "Restore the registry from a copy or an export; its fingerprint files are untouched.",
  });
}

function isEntry(value: unknown): value is RegistryEntry {
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
    Number.isSafeInteger(entry.parameters)
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
    if (isEntry(change?.put)) entries.set(change.put.digest, change.put);
    else if (typeof change?.remove !== "string" || !entries.delete(change.remove)) {
      throw corrupt(directory, `has an impossible change in generation ${record.generation}`);
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
  const stored = await readStored(join(directory, "journal.jsonl"), MAX_JOURNAL_BYTES);
  if (stored === null) {
    if (head === null) return null;
    throw rolledBack(directory, head.generation, 0);
  }
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const length = bytes.lastIndexOf(0x0a) + 1;
  const entries = new Map<string, RegistryEntry>();
  let state: Omit<JournalState, "entries" | "length"> = EMPTY_JOURNAL;
  let headSeen = head === null || head.generation === 0;
  for (let start = 0; start < length; ) {
    const end = bytes.indexOf(0x0a, start);
    const line = bytes.subarray(start, end);
    const record = parseRecord(line.toString("utf8"), state.generation + 1, directory);
    if (record.generation !== state.generation + 1 || record.previous !== state.head) {
      throw corrupt(directory, `was altered before generation ${state.generation + 1}`);
    }
    apply(entries, record, directory);
    state = {
      generation: record.generation,
      head: digestOf(line),
      updatedAt: record.at,
      codesLength: record.codesLength,
    };
    if (head?.generation === state.generation) {
      if (head.digest !== state.head) throw corrupt(directory, `was altered in generation ${state.generation}`);
      headSeen = true;
    }
    start = end + 1;
  }
  if (!headSeen && head !== null) throw rolledBack(directory, head.generation, state.generation);
  const { generation, updatedAt, codesLength } = state;
  return { generation, head: state.head, updatedAt, codesLength, entries, length };
}

function rolledBack(directory: string, expected: number, found: number): WeightmarkError {
  return new WeightmarkError(
    "REGISTRY_ROLLED_BACK",
    `the registry was at generation ${expected} and is now at ${found}: an older state was put back`,
    {
      file: join(directory, "journal.jsonl"),
      detail: "Restore the whole directory, head.json included, from one copy.",
    },
  );
}

async function readHead(directory: string): Promise<{ generation: number; digest: string } | null> {
  const bytes = await readStored(join(directory, "head.json"), MAX_HEAD_BYTES);
  if (bytes === null) return null;
  try {
    const { generation, digest } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    if (Number.isSafeInteger(generation) && typeof digest === "string")
      return { generation: generation as number, digest };
  } catch {
    // Falls through to the refusal.
  }
  throw corrupt(directory, "cannot be checked: head.json is damaged");
}

/** Appends one record and returns the state after it. Call with the directory locked and `state` freshly read. */
export async function appendJournal(
  directory: string,
  state: JournalState,
  at: string | null,
  changes: readonly Change[],
  codesLength: number,
): Promise<JournalState> {
  const generation = state.generation + 1;
  const record: JournalRecord = { schema: SCHEMA, generation, at, previous: state.head, codesLength, changes };
  const line = Buffer.from(JSON.stringify(record), "utf8");
  const entries = new Map(state.entries);
  apply(entries, record, directory);
  const handle = await open(join(directory, "journal.jsonl"), constants.O_RDWR | constants.O_CREAT, 0o666);
  try {
    await handle.truncate(state.length);
    const text = Buffer.concat([line, Buffer.from("\n")]);
    for (let done = 0; done < text.length; ) {
      done += (await handle.write(text, done, text.length - done, state.length + done)).bytesWritten;
    }
    await handle.sync();
  } catch (error) {
    await handle.truncate(state.length).catch(() => undefined);
    throw new WeightmarkError("WRITE_FAILED", "the registry's journal could not be written", {
      file: directory,
      cause: error,
    });
  } finally {
    await handle.close();
  }
  const head = digestOf(line);
  await writeFileAtomic(
    join(directory, "head.json"),
    Buffer.from(`${JSON.stringify({ generation, digest: head })}\n`),
    {
      overwrite: true,
    },
  );
  return { generation, head, updatedAt: at, codesLength, entries, length: state.length + line.length + 1 };
}
