import { FINGERPRINT_VERSION, type LayerCode } from "../../fingerprint/fingerprint.ts";
import { toHex } from "../../fingerprint/hex.ts";
import { Blake3 } from "../../kernels/blake3.ts";
import type { RankedBase } from "../../lineage/candidate-source.ts";
import type { ItemLists } from "../code-index.ts";
import { entryLine } from "../entry-line.ts";
import { compareText } from "../names.ts";
import { buildRegistryIndex, type IndexedBase, type RegistryIndex, rankBases } from "../registry-index.ts";
import type { Connection } from "./connect.ts";
import { type PackedEntry, packedEntries } from "./packed-entries.ts";
import { type RegistryState, readState, removalsSince } from "./registry-rows.ts";
import { decodeParts } from "./stored-parts.ts";

/** Changed bases are searched in an index of their own until they are more than this and a tenth of all. */
const FEW_CHANGES = 1024;

const HASHED_AT_ONCE = 4096;

interface CodeRow {
  digest: Buffer;
  name: Buffer;
  root: boolean;
  parts: Buffer;
  version: number;
  codes: Buffer;
}

const COLUMNS = "digest, name, root, parts, version, codes";

const baseOf = ({ digest, name, root, parts }: CodeRow): IndexedBase => ({
  digest: digest.toString("hex"),
  name: name.toString("utf8"),
  root,
  parts: decodeParts(parts),
});

/**
 * Everything that identification needs, in the state of one moment, to be shared by the threads of a process. Inside of a
 * snapshot. Reading takes about as much memory again as the index.
 */
export async function readIndex(
  on: Connection,
): Promise<{ readonly state: RegistryState; readonly index: RegistryIndex }> {
  const state = await readState(on);
  const read: PackedEntry[] = [];
  for await (const entry of packedEntries(on)) read.push(entry);
  read.sort((a, b) => compareText(a.digest, b.digest));
  const digest = new Blake3();
  for (let at = 0; at < read.length; at += HASHED_AT_ONCE) {
    digest.update(
      Buffer.from(
        read
          .slice(at, at + HASHED_AT_ONCE)
          .map(entryLine)
          .join(""),
      ),
    );
  }
  // Those of other versions are registered, but never candidates.
  const bases = read.filter(({ version }) => version === FINGERPRINT_VERSION);
  const registry = { entries: read.length, digest: toHex(digest.digest()), updatedAt: state.updatedAt };
  const items: ItemLists = { length: bases.length, at: (base) => bases[base]!.codes };
  return { state, index: buildRegistryIndex(registry, bases, items) };
}

/**
 * The index of a registry that is being changed: read once, then only what changed. Searching is a popcount over all codes
 * in WebAssembly, exact and the same to the bit as in a registry of files; it was measured against bit_count in SQL
 * (benchmarks/postgres.mjs).
 */
export class LiveIndex {
  /** Of the registry that is indexed; -1 before the first reading. */
  generation = -1;
  private whole: RegistryIndex | null = null;
  private changes: RegistryIndex | null = null;
  private readonly changed = new Map<string, CodeRow>();
  /** Changed or removed since `whole` was read: it does not speak for these any more. */
  private readonly stale = new Set<string>();

  /** Catches up with the registry. Inside of a snapshot; done twice it is the same as once. */
  async refresh(on: Connection): Promise<void> {
    const { generation } = await readState(on);
    if (generation === this.generation) return;
    const size = this.whole?.codes.bases ?? 0;
    const goOn = this.generation >= 0 && generation > this.generation && (await this.readChanges(on, size));
    if (!goOn) {
      const { index } = await readIndex(on);
      this.whole = index;
      this.changes = null;
      this.changed.clear();
      this.stale.clear();
    }
    this.generation = generation;
  }

  /** The best-scoring bases first, equal ones by digest, at most `limit`. */
  rank(codes: readonly LayerCode[], limit: number): RankedBase[] {
    if (this.whole === null || limit < 1) return [];
    const found = rankBases(this.whole, codes, limit + this.stale.size).filter(({ digest }) => !this.stale.has(digest));
    if (this.changes !== null) found.push(...rankBases(this.changes, codes, limit));
    return found.sort((a, b) => b.score - a.score || compareText(a.digest, b.digest)).slice(0, limit);
  }

  /** False when so much changed that all is better read anew. */
  private async readChanges(on: Connection, size: number): Promise<boolean> {
    for (const digest of await removalsSince(on, this.generation)) {
      this.stale.add(digest);
      this.changed.delete(digest);
    }
    const select = `SELECT ${COLUMNS} FROM weightmark.registry_entry WHERE version = $1 AND generation > $2`;
    const most = FEW_CHANGES + size / 10;
    const { rows } = await on.query<CodeRow>(`${select} LIMIT $3`, [
      FINGERPRINT_VERSION,
      this.generation,
      Math.ceil(most) + 1,
    ]);
    for (const row of rows) {
      const digest = row.digest.toString("hex");
      this.stale.add(digest);
      this.changed.set(digest, row);
    }
    if (this.stale.size > most) return false;
    const ordered = [...this.changed.values()].sort((a, b) => Buffer.compare(a.digest, b.digest));
    const registry = { entries: ordered.length, digest: "", updatedAt: null };
    this.changes = buildRegistryIndex(
      registry,
      ordered.map(baseOf),
      ordered.map(({ codes }) => codes),
    );
    return true;
  }
}
