import { WeightmarkError } from "../../errors.ts";
import { parseFingerprint, serializeFingerprint } from "../../fingerprint/file.ts";
import type { Fingerprint, LayerCode } from "../../fingerprint/fingerprint.ts";
import type { CandidateSource, RankedBase } from "../../lineage/candidate-source.ts";
import { draftOf, planAdd } from "../add-plan.ts";
import { readArchive, writeArchive } from "../archive.ts";
import { requireName } from "../names.ts";
import type {
  AddOptions,
  AddOutcome,
  ImportOptions,
  Registry,
  RegistryEntry,
  RegistryProblem,
  WorkOptions,
} from "../registry.ts";
import { indexedSource, type RegistryIndex } from "../registry-index.ts";
import { type Connection, type Database, type DatabaseOptions, openDatabase } from "./connect.ts";
import { EntryMap } from "./entry-map.ts";
import { LiveIndex, readIndex } from "./live-index.ts";
import { migrate } from "./migrations.ts";
import { advance, applyPlan, clashesOf, lockState, removeEntry } from "./registry-rows.ts";
import { REGISTRY_TABLES } from "./registry-tables.ts";
import { readStored } from "./stored-fingerprint.ts";
import { verifyRows } from "./verify-rows.ts";

export interface PostgresRegistryOptions extends DatabaseOptions {
  /** Make the tables when they are not there. @default false */
  readonly create?: boolean | undefined;
  /** Time to write down for a change, ISO 8601, or null to write down none. @default the system clock */
  readonly clock?: (() => string | null) | undefined;
  /** How long to wait for another writer, milliseconds. @default 10,000 */
  readonly lockTimeoutMs?: number | undefined;
}

/**
 * A registry in a PostgreSQL database (15 or later), in its schema `weightmark`, for any number of machines. As with files,
 * what is registered is read when it is opened and after changes of one's own; the codes when candidates are first asked for.
 *
 * @throws DATABASE_URL_INVALID, DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_VERSION, REGISTRY_NOT_FOUND
 */
export async function openPostgresRegistry(
  url: string,
  options: PostgresRegistryOptions = {},
): Promise<PostgresRegistry> {
  const database = await openDatabase(url, options);
  try {
    await requireTables(database, options.create ?? false);
    const registry = new PostgresRegistry(database, options);
    await registry.refresh();
    return registry;
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function requireTables(database: Database, create: boolean): Promise<void> {
  if (await migrate(database, REGISTRY_TABLES, create)) return;
  throw new WeightmarkError("REGISTRY_NOT_FOUND", "there is no registry in this database", {
    file: database.location,
    detail: "Make one by adding a model (`Registry.add`), or an export (`Registry.importArchive`).",
  });
}

/** The read side of a registry, all that a scan needs of it. Close it. */
export interface PostgresCandidates extends CandidateSource {
  /** Without password, for messages. */
  readonly location: string;
  /** For `openPostgresCandidates` in other threads. */
  index(): Promise<RegistryIndex>;
  close(): Promise<void>;
}

/**
 * The registry in the state that an index was made of, for one who only identifies: no list of entries is kept. Reads the
 * index in one pass where none is given.
 *
 * @throws what `openPostgresRegistry` throws
 */
export async function openPostgresCandidates(
  url: string,
  options: DatabaseOptions & { readonly index?: RegistryIndex | undefined } = {},
): Promise<PostgresCandidates> {
  const database = await openDatabase(url, options);
  try {
    await requireTables(database, false);
    const index = options.index ?? (await database.snapshot(readIndex)).index;
    const { location } = database;
    const load = async (digest: string) =>
      parseFingerprint(await readStored(database, digest, "it"), `${location}#${digest}`);
    return Object.assign(indexedSource(index, load), {
      location,
      index: async () => index,
      close: () => database.close(),
    });
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Something that is done to the registry, and how many changes it came to. */
type Change<T> = (on: Connection, generation: number) => Promise<{ readonly result: T; readonly changes: number }>;

export class PostgresRegistry implements Registry {
  private readonly database: Database;
  private readonly clock: () => string | null;
  private readonly lockTimeoutMs: number;
  private readonly map = new EntryMap();
  private readonly live = new LiveIndex();
  /** The last reading of entries or codes: one at a time, or two would mix. */
  private reading: Promise<unknown> = Promise.resolve();
  /** The last change: writers of one process wait here and not in the database, where each would hold a connection. */
  private writing: Promise<unknown> = Promise.resolve();

  constructor(database: Database, options: PostgresRegistryOptions) {
    this.database = database;
    this.clock = options.clock ?? (() => new Date().toISOString());
    this.lockTimeoutMs = options.lockTimeoutMs ?? 10_000;
  }

  get location(): string {
    return this.database.location;
  }

  get entries(): number {
    return this.map.size;
  }

  get generation(): number {
    return this.map.state.generation;
  }

  get updatedAt(): string | null {
    return this.map.state.updatedAt;
  }

  get digest(): string {
    return this.map.digest();
  }

  list(): RegistryEntry[] {
    return this.map.list();
  }

  find(nameOrDigest: string): RegistryEntry {
    return this.map.find(nameOrDigest);
  }

  async read(digest: string): Promise<Uint8Array> {
    const entry = this.map.get(digest);
    if (entry === undefined) {
      throw new WeightmarkError("REGISTRY_ENTRY_UNKNOWN", "no entry has this digest", { file: digest });
    }
    return readStored(this.database, digest, entry.name);
  }

  async load(digest: string): Promise<Fingerprint> {
    return parseFingerprint(await this.read(digest), `${this.location}#${digest}`);
  }

  async add(fingerprint: Fingerprint, options: AddOptions): Promise<AddOutcome> {
    requireName(options.name);
    const bytes = serializeFingerprint(fingerprint);
    const draft = draftOf(bytes, fingerprint);
    const addedAt = this.clock();
    return this.write(async (on, generation) => {
      const known = await clashesOf(on, draft.entry.digest, options.name);
      const plan = planAdd(draft, options, addedAt, known);
      return { result: plan.outcome, changes: await applyPlan(on, plan, bytes, generation) };
    });
  }

  async remove(nameOrDigest: string): Promise<RegistryEntry> {
    return this.write(async (on, generation) => {
      const entry = this.find(nameOrDigest);
      await removeEntry(on, entry.digest, generation);
      return { result: entry, changes: 1 };
    });
  }

  /** In the state of now, all of it. */
  async index(): Promise<RegistryIndex> {
    return (await this.database.snapshot(readIndex)).index;
  }

  exportArchive(): AsyncIterable<Uint8Array> {
    return writeArchive(this.map.byDigest(), (digest) => this.read(digest));
  }

  async importArchive(path: string, options: ImportOptions = {}): Promise<AddOutcome[]> {
    return this.write(async (on, generation) => {
      const outcomes: AddOutcome[] = [];
      let changes = 0;
      for await (const item of readArchive(path, options.signature)) {
        options.signal?.throwIfAborted();
        const { name, root, parts, addedAt, bytes } = item;
        const draft = draftOf(bytes, item.fingerprint);
        const known = await clashesOf(on, item.digest, name);
        const plan = planAdd(draft, { replace: options.replace, name, root, parts }, addedAt, known);
        changes += await applyPlan(on, plan, bytes, generation);
        outcomes.push(plan.outcome);
      }
      return { result: outcomes, changes };
    });
  }

  verify(options: WorkOptions = {}): Promise<RegistryProblem[]> {
    return verifyRows(this, this.database, options.signal);
  }

  /** What is registered and its codes are then of one moment: later ones than those this was opened with, perhaps. */
  async candidates(codes: readonly LayerCode[], limit: number): Promise<RankedBase[]> {
    if (this.live.generation !== this.generation) {
      await this.inTurn(() =>
        this.database.snapshot(async (on) => {
          await this.map.refresh(on);
          await this.live.refresh(on);
        }),
      );
    }
    return this.live.rank(codes, limit);
  }

  async refresh(): Promise<void> {
    await this.inTurn(() => this.database.snapshot((on) => this.map.refresh(on)));
  }

  close(): Promise<void> {
    return this.database.close();
  }

  /** Runs `work` as the only writer, on what is registered then; its changes are one generation, or nothing. */
  private write<T>(work: Change<T>): Promise<T> {
    const turn = this.writing.then(() => this.writeAlone(work));
    this.writing = turn.catch(() => undefined);
    return turn;
  }

  private async writeAlone<T>(work: Change<T>): Promise<T> {
    const result = await this.database.transaction(async (on) => {
      const { generation } = await lockState(on, this.lockTimeoutMs, this.location);
      await this.inTurn(() => this.map.refresh(on));
      const done = await work(on, generation + 1);
      if (done.changes > 0) await advance(on, { generation: generation + 1, updatedAt: this.clock() });
      return done.result;
    });
    await this.refresh();
    return result;
  }

  private inTurn<T>(read: () => Promise<T>): Promise<T> {
    const turn = this.reading.then(read);
    this.reading = turn.catch(() => undefined);
    return turn;
  }
}
