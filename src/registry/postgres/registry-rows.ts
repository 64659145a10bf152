import { WeightmarkError } from "../../errors.ts";
import { MAX_FINGERPRINT_BYTES } from "../../fingerprint/file.ts";
import type { AddPlan } from "../add-plan.ts";
import type { RegistryEntry } from "../registry.ts";
import type { Connection } from "./connect.ts";
import { pagesOf } from "./cursor.ts";
import { decodeParts, encodeParts } from "./stored-parts.ts";

/** Bytes of a fingerprint read or written by one statement, so that none takes long. */
const PIECE_BYTES = 1 << 23;

export interface RegistryState {
  /** Number of changes made so far. */
  readonly generation: number;
  readonly updatedAt: string | null;
}

interface EntryRow {
  digest: Buffer;
  name: Buffer;
  root: boolean;
  parts: Buffer;
  added_at: string | null;
  bytes: string;
  version: number;
  family: Buffer;
  depth: RegistryEntry["depth"];
  parameters: string;
}

const ENTRY_COLUMNS = "digest, name, root, parts, added_at, bytes, version, family, depth, parameters";

export const bytesOf = (digest: string): Buffer => Buffer.from(digest, "hex");

function entryOf(row: EntryRow): RegistryEntry {
  const { root, version, depth, added_at: addedAt } = row;
  const [digest, name, family] = [row.digest.toString("hex"), row.name.toString("utf8"), row.family.toString("utf8")];
  const [bytes, parameters, parts] = [Number(row.bytes), Number(row.parameters), decodeParts(row.parts)];
  return { digest, name, root, parts, addedAt, bytes, version, family, depth, parameters };
}

export async function readState(on: Connection, lock = ""): Promise<RegistryState> {
  const { rows } = await on.query<{ generation: string; updated_at: string | null }>(
    `SELECT generation, updated_at FROM weightmark.registry_state ${lock}`,
  );
  return { generation: Number(rows[0]!.generation), updatedAt: rows[0]!.updated_at };
}

/**
 * Keeps every other writer out until the transaction ends.
 *
 * @throws REGISTRY_LOCKED when another one does so for longer than `timeoutMs`
 */
export async function lockState(on: Connection, timeoutMs: number, location: string): Promise<RegistryState> {
  await on.query("SELECT set_config('lock_timeout', $1, true)", [String(Math.max(1, Math.round(timeoutMs)))]);
  return readState(on, "FOR UPDATE").catch((error) => {
    if ((error as { code?: string }).code !== "55P03") throw error;
    throw new WeightmarkError("REGISTRY_LOCKED", "another process is changing this registry", {
      file: location,
      detail: "Wait for it, or end its session in pg_stat_activity if it is stuck.",
    });
  });
}

/** Entries that were added or changed after a generation: all of them after -1. */
export async function* entriesSince(on: Connection, generation: number): AsyncGenerator<RegistryEntry> {
  const select = `SELECT ${ENTRY_COLUMNS} FROM weightmark.registry_entry WHERE generation > $1`;
  for await (const rows of pagesOf<EntryRow>(on, select, [generation])) yield* rows.map(entryOf);
}

/** Digests that were removed after a generation; some of them may have come back since. */
export async function removalsSince(on: Connection, generation: number): Promise<string[]> {
  const { rows } = await on.query<{ digest: Buffer }>(
    "SELECT digest FROM weightmark.registry_removal WHERE generation > $1",
    [generation],
  );
  return rows.map(({ digest }) => digest.toString("hex"));
}

/** The entry of this digest and the one of this name: all that an addition has to know of the registry. */
export async function clashesOf(on: Connection, digest: string, name: string): Promise<Map<string, RegistryEntry>> {
  const { rows } = await on.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM weightmark.registry_entry WHERE digest = $1 OR name = $2`,
    [bytesOf(digest), Buffer.from(name)],
  );
  return new Map(rows.map(entryOf).map((entry) => [entry.digest, entry]));
}

export async function removeEntry(on: Connection, digest: string, generation: number): Promise<void> {
  await on.query("DELETE FROM weightmark.registry_entry WHERE digest = $1", [bytesOf(digest)]);
  await on.query("INSERT INTO weightmark.registry_removal VALUES ($1, $2) ON CONFLICT DO NOTHING", [
    generation,
    bytesOf(digest),
  ]);
}

/**
 * Carries out what was planned for one fingerprint; how many changes it came to. What is damaged where it lies is put right
 * by adding it again, even where the entry stays as it is.
 */
export async function applyPlan(
  on: Connection,
  { changes, draft }: AddPlan,
  bytes: Uint8Array,
  generation: number,
): Promise<number> {
  for (const change of changes) {
    if ("remove" in change) await removeEntry(on, change.remove, generation);
    else await putEntry(on, change.put, draft.codes, generation);
  }
  await putFingerprint(on, draft.entry.digest, bytes);
  const repaired = await on.query(
    "UPDATE weightmark.registry_entry SET codes = $2, generation = $3 WHERE digest = $1 AND codes <> $2",
    [bytesOf(draft.entry.digest), Buffer.from(draft.codes), generation],
  );
  return changes.length + (repaired.rowCount ?? 0);
}

async function putEntry(on: Connection, entry: RegistryEntry, codes: Uint8Array, generation: number): Promise<void> {
  const { digest, name, root, parts, addedAt, bytes, version, family, depth, parameters } = entry;
  await on.query(
    `INSERT INTO weightmark.registry_entry (${ENTRY_COLUMNS}, generation, codes)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     ON CONFLICT (digest) DO UPDATE SET name = EXCLUDED.name, root = EXCLUDED.root, parts = EXCLUDED.parts,
       added_at = EXCLUDED.added_at, bytes = EXCLUDED.bytes, version = EXCLUDED.version, family = EXCLUDED.family, depth = EXCLUDED.depth,
       parameters = EXCLUDED.parameters, generation = EXCLUDED.generation, codes = EXCLUDED.codes`,
    [
      bytesOf(digest),
      Buffer.from(name),
      root,
      encodeParts(parts),
      addedAt,
      bytes,
      version,
      Buffer.from(family),
      depth,
      parameters,
      generation,
      Buffer.from(codes),
    ],
  );
}

async function putFingerprint(on: Connection, digest: string, bytes: Uint8Array): Promise<void> {
  await on.query(
    `INSERT INTO weightmark.registry_fingerprint (digest, data) VALUES ($1, $2)
     ON CONFLICT (digest) DO UPDATE SET data = EXCLUDED.data WHERE registry_fingerprint.data <> EXCLUDED.data`,
    [bytesOf(digest), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)],
  );
}

/** The stored fingerprint, its digest not checked; null when there is none, or none of a size that can be right. */
export async function readFingerprint(on: Connection, digest: string): Promise<Uint8Array | null> {
  const { rows } = await on.query<{ length: number }>(
    "SELECT octet_length(data) AS length FROM weightmark.registry_fingerprint WHERE digest = $1",
    [bytesOf(digest)],
  );
  const length = rows[0]?.length;
  if (length === undefined || length > MAX_FINGERPRINT_BYTES) return null;
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += PIECE_BYTES) {
    const piece = await on.query<{ piece: Buffer }>(
      "SELECT substr(data, $2, $3) AS piece FROM weightmark.registry_fingerprint WHERE digest = $1",
      [bytesOf(digest), at + 1, PIECE_BYTES],
    );
    const found = piece.rows[0]?.piece;
    // Replaced between two pieces: whatever comes of it does not have the digest.
    if (found === undefined || at + found.length > length) return null;
    bytes.set(found, at);
  }
  return bytes;
}

/** Codes of one entry, for `verify`. */
export async function readCodes(on: Connection, digest: string): Promise<Uint8Array | null> {
  const { rows } = await on.query<{ codes: Buffer }>("SELECT codes FROM weightmark.registry_entry WHERE digest = $1", [
    bytesOf(digest),
  ]);
  return rows[0]?.codes ?? null;
}

export async function advance(on: Connection, state: RegistryState): Promise<void> {
  await on.query("UPDATE weightmark.registry_state SET generation = $1, updated_at = $2", [
    state.generation,
    state.updatedAt,
  ]);
}
