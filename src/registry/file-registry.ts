import { lstat, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../bytes/atomic-file.ts";
import { makeDirectory } from "../bytes/make-directory.ts";
import { WeightmarkError } from "../errors.ts";
import { MAX_FINGERPRINT_BYTES, parseFingerprint, serializeFingerprint } from "../fingerprint/file.ts";
import { FINGERPRINT_VERSION, type Fingerprint, type LayerCode } from "../fingerprint/fingerprint.ts";
import { registeredCodes } from "../fingerprint/layer-codes.ts";
import type { CandidateSource, RankedBase } from "../lineage/candidate-source.ts";
import { type AddPlan, applyChange, draftOf, planAdd } from "./add-plan.ts";
import { readArchive, writeArchive } from "./archive.ts";
import { CodeCache } from "./code-cache.ts";
import { readCodeFile } from "./code-file.ts";
import { digestOf } from "./digest.ts";
import { byDigest, digestOfEntries } from "./entry-list.ts";
import { findEntry } from "./find-entry.ts";
import { fingerprintPath, readFingerprintFile, storedDigests } from "./fingerprint-file.ts";
import {
  appendJournal,
  type Change,
  emptyJournal,
  type JournalState,
  readJournal,
  refreshJournal,
  removedBy,
} from "./journal.ts";
import { writeHead } from "./journal-head.ts";
import { type Lock, withLock } from "./lock.ts";
import { compareText, requireName } from "./names.ts";
import { packCodes } from "./packed-codes.ts";
import type {
  AddOptions,
  AddOutcome,
  ImportOptions,
  Registry,
  RegistryEntry,
  RegistryProblem,
  WorkOptions,
} from "./registry.ts";
import { buildRegistryIndex, indexedSource, type RegistryIndex, rankBases } from "./registry-index.ts";
import { readStored } from "./stored-file.ts";
import { verifyFiles } from "./verify.ts";

export interface RegistryOptions {
  /** Make the directory when it is not there. @default false */
  readonly create?: boolean | undefined;
  /** Time to write down for a change, ISO 8601, or null to write down none. @default the system clock */
  readonly clock?: (() => string | null) | undefined;
  /** How long to wait for another writer, milliseconds. @default 10,000 */
  readonly lockTimeoutMs?: number | undefined;
}

/**
 * Opens the registry in a directory:
 *
 *     journal.jsonl                          what was added and removed, hash-chained
 *     head.json                              the generation reached, to notice a journal put back
 *     fingerprints/DIGEST.safetensors        the fingerprints, named by the BLAKE3 of their bytes
 *     codes.bin                              layer codes of all of them, a cache
 *
 * Readers never write and need no lock. A directory that does not exist is an empty registry when `create` is set.
 *
 * @throws REGISTRY_NOT_FOUND, REGISTRY_CORRUPT, REGISTRY_VERSION, REGISTRY_ROLLED_BACK
 */
export async function openRegistry(directory: string, options: RegistryOptions = {}): Promise<Registry> {
  const state = (await readJournal(directory)) ?? (await newJournal(directory, options.create ?? false));
  return new FileRegistry(directory, state, options);
}

/** The journal of a directory that had none: of another writer, where one began while this one looked. */
async function newJournal(directory: string, create: boolean): Promise<JournalState> {
  try {
    await requireUsable(directory, create);
  } catch (error) {
    const state = await readJournal(directory);
    if (state === null) throw error;
    return state;
  }
  return emptyJournal();
}

/** The registry in a directory in the state that was indexed: nothing but the fingerprints asked for is read. */
export function openIndexedRegistry(directory: string, index: RegistryIndex): CandidateSource {
  return indexedSource(index, async (digest) =>
    parseFingerprint(await readFingerprintFile(directory, digest, digest), fingerprintPath(directory, digest)),
  );
}

/** A directory with something else in it is not turned into a registry. */
async function requireUsable(directory: string, create: boolean): Promise<void> {
  const found = await lstat(directory).catch(() => null);
  const names = found === null ? [] : await readdir(directory).catch(() => null);
  if (names === null || names.some((name) => !isOurs(name))) {
    throw new WeightmarkError("REGISTRY_NOT_FOUND", "this is not a registry", {
      file: directory,
      detail: "Name an existing registry, or a new or empty directory to add to.",
    });
  }
  if (!create) {
    throw new WeightmarkError("REGISTRY_NOT_FOUND", "there is no registry here", {
      file: directory,
      detail: "Make one by adding a model (`Registry.add`), or an export (`Registry.importArchive`).",
    });
  }
}

/** What a first `add` that was killed can leave. */
function isOurs(name: string): boolean {
  return name === "fingerprints" || name === "codes.bin" || name === "lock" || name.endsWith(".tmp");
}

/** What a change has written so far and the journal does not name yet. */
interface PendingChange {
  readonly codes: CodeCache;
  /** Digests of the fingerprints that were not there before. */
  readonly stored: string[];
  readonly lock: Lock;
}

class FileRegistry implements Registry {
  readonly location: string;
  private state: JournalState;
  private readonly clock: () => string | null;
  private readonly lockTimeoutMs: number;
  /** What was made of the entries, at the head of the journal that it was made at. */
  private sorted: { readonly head: string; readonly entries: readonly RegistryEntry[]; digest?: string } | null = null;
  private indexed: { readonly head: string; readonly index: RegistryIndex } | null = null;

  constructor(directory: string, state: JournalState, options: RegistryOptions) {
    this.location = directory;
    this.state = state;
    this.clock = options.clock ?? (() => new Date().toISOString());
    this.lockTimeoutMs = options.lockTimeoutMs ?? 10_000;
  }

  get entries(): number {
    return this.state.entries.size;
  }

  get generation(): number {
    return this.state.generation;
  }

  get updatedAt(): string | null {
    return this.state.updatedAt;
  }

  get digest(): string {
    const sorted = this.sortedState();
    sorted.digest ??= digestOfEntries(sorted.entries);
    return sorted.digest;
  }

  list(): RegistryEntry[] {
    return [...this.byDigest()].sort((a, b) => compareText(a.name, b.name));
  }

  find(nameOrDigest: string): RegistryEntry {
    return findEntry(nameOrDigest, this.named(nameOrDigest), () => this.byDigest());
  }

  async read(digest: string): Promise<Uint8Array> {
    const entry = this.state.entries.get(digest);
    if (entry === undefined) {
      throw new WeightmarkError("REGISTRY_ENTRY_UNKNOWN", "no entry has this digest", { file: digest });
    }
    return readFingerprintFile(this.location, digest, entry.name, entry.bytes);
  }

  async load(digest: string): Promise<Fingerprint> {
    return parseFingerprint(await this.read(digest), fingerprintPath(this.location, digest));
  }

  async add(fingerprint: Fingerprint, options: AddOptions): Promise<AddOutcome> {
    requireName(options.name);
    const bytes = serializeFingerprint(fingerprint);
    return this.write(async (pending) => {
      const plan = planAdd(draftOf(bytes, fingerprint), options, this.clock(), this.state.entries);
      await this.store(bytes, plan, pending);
      await this.commit(plan.changes, pending);
      return plan.outcome;
    });
  }

  async remove(nameOrDigest: string): Promise<RegistryEntry> {
    return this.write(async (pending) => {
      const entry = this.find(nameOrDigest);
      await this.commit([{ remove: entry.digest }], pending);
      return entry;
    });
  }

  exportArchive(): AsyncIterable<Uint8Array> {
    return writeArchive(this.byDigest(), (digest) => this.read(digest));
  }

  async importArchive(path: string, options: ImportOptions = {}): Promise<AddOutcome[]> {
    return this.write(async (pending) => {
      // Fingerprints named by their digest harm no one when the rest of the archive turns out bad; the journal decides.
      const entries = new Map(this.state.entries);
      const outcomes: AddOutcome[] = [];
      const changes: Change[] = [];
      for await (const item of readArchive(path, options.signature)) {
        options.signal?.throwIfAborted();
        const draft = draftOf(item.bytes, item.fingerprint);
        const { name, root, parts, addedAt } = item;
        const plan = planAdd(draft, { replace: options.replace, name, root, parts }, addedAt, entries);
        await this.store(item.bytes, plan, pending);
        for (const change of plan.changes) applyChange(entries, change);
        changes.push(...plan.changes);
        outcomes.push(plan.outcome);
      }
      await this.commit(changes, pending);
      return outcomes;
    });
  }

  verify(options: WorkOptions = {}): Promise<RegistryProblem[]> {
    return verifyFiles(this, options.signal);
  }

  async candidates(codes: readonly LayerCode[], limit: number): Promise<RankedBase[]> {
    return rankBases(await this.index(), codes, limit);
  }

  /** From the cache file; bases it lacks are read in full. */
  async index(): Promise<RegistryIndex> {
    const { head, codesLength } = this.state;
    if (this.indexed?.head === head) return this.indexed.index;
    const registry = { entries: this.entries, digest: this.digest, updatedAt: this.updatedAt };
    const bases = this.byDigest().filter(({ version }) => version === FINGERPRINT_VERSION);
    const digests = bases.map(({ digest }) => digest);
    const cached = await readCodeFile(this.location, digests, codesLength);
    const computed = new Map<number, Uint8Array>();
    for (const [base, digest] of digests.entries()) {
      if (cached.at(base) === undefined) computed.set(base, packCodes(registeredCodes(await this.load(digest))));
    }
    const codes = { length: bases.length, at: (base: number) => computed.get(base) ?? cached.at(base) };
    const index = buildRegistryIndex(registry, bases, codes);
    this.indexed = { head, index };
    return index;
  }

  /** Runs `work` as the only writer, on the state that lies on disk then. */
  private async write<T>(work: (pending: PendingChange) => Promise<T>): Promise<T> {
    const fingerprints = join(this.location, "fingerprints");
    await makeDirectory(fingerprints, this.location);
    const change = async (lock: Lock): Promise<T> => {
      this.state = (await refreshJournal(this.location, this.state)) ?? emptyJournal();
      if (!this.state.isHeaded) await this.finishLast();
      if (lock.tookOver) await this.discardUnnamed();
      const codes = new CodeCache(this.location, this.state.codesLength, (digest) => this.codesOf(digest));
      const pending: PendingChange = { codes, stored: [], lock };
      return work(pending).catch(async (error) => {
        await this.undo(pending).catch(() => undefined);
        throw error;
      });
    };
    // There may be a million: they are looked through only when a writer was killed.
    return withLock(this.location, this.lockTimeoutMs, change, { leaves: [fingerprints] });
  }

  /** Writes the fingerprint unless it lies there intact, and the codes of a new one. */
  private async store(bytes: Uint8Array, { draft, isNew }: AddPlan, { codes, stored }: PendingChange): Promise<void> {
    const { digest } = draft.entry;
    if (!(await this.isIntact(digest, bytes.length))) {
      await writeFileAtomic(fingerprintPath(this.location, digest), bytes, { overwrite: true, tidy: false });
      stored.push(digest);
    }
    if (isNew) await codes.append(digest, draft.codes, this.state.entries.keys());
  }

  private async isIntact(digest: string, bytes: number): Promise<boolean> {
    const stored = await readStored(fingerprintPath(this.location, digest), bytes).catch(() => null);
    return stored !== null && digestOf(stored) === digest;
  }

  /** Removes the file of a digest that no entry names. */
  private async discard(digest: string): Promise<void> {
    if (!this.state.entries.has(digest)) await unlink(fingerprintPath(this.location, digest)).catch(() => undefined);
  }

  /** Removes what a writer stored for a change that it was killed before: whole, for it was given its name. */
  private async discardUnnamed(): Promise<void> {
    for (const digest of await storedDigests(this.location)) {
      if (!this.state.entries.has(digest) && (await this.isIntact(digest, MAX_FINGERPRINT_BYTES))) {
        await this.discard(digest);
      }
    }
  }

  /** Takes the last steps of a change whose writer was killed before them, in their order. */
  private async finishLast(): Promise<void> {
    const { generation, head, removed } = this.state;
    for (const digest of removed) await this.discard(digest);
    await writeHead(this.location, { generation, digest: head });
    this.state = { ...this.state, isHeaded: true };
  }

  /** The journal line is what makes a change happen; files it no longer names go after it. */
  private async commit(changes: readonly Change[], { codes, lock }: PendingChange): Promise<void> {
    if (changes.length === 0) return;
    lock.requireHeld();
    const removed = removedBy(changes);
    if (removed.length > 0) {
      const gone = new Set(removed);
      const kept = [...this.state.entries.keys()].filter((digest) => !gone.has(digest));
      await codes.rewrite([...kept, ...changes.flatMap((change) => ("put" in change ? [change.put.digest] : []))]);
    }
    lock.requireHeld();
    this.state = await appendJournal(this.location, this.state, this.clock(), changes, codes.length);
    for (const digest of removed) await this.discard(digest);
  }

  /** What was written for a change that did not happen is nobody's, and goes as far as the disk lets it. */
  private async undo({ codes, stored, lock }: PendingChange): Promise<void> {
    // The one who took the lock over may have made the very same files its own.
    lock.requireHeld();
    // A disk that fails may not have let the journal be put back: what it names then has happened, and stays.
    const onDisk = (await readJournal(this.location)) ?? emptyJournal();
    if (onDisk.head !== this.state.head) return;
    for (const digest of stored) await this.discard(digest);
    await codes.undo([...this.state.entries.keys()]);
  }

  /** From the stored fingerprint, registered or about to be; null when it is not sound. */
  private async codesOf(digest: string): Promise<Uint8Array | null> {
    try {
      const bytes = await readStored(fingerprintPath(this.location, digest), MAX_FINGERPRINT_BYTES);
      if (bytes === null || digestOf(bytes) !== digest) return null;
      return packCodes(registeredCodes(await parseFingerprint(bytes, digest)));
    } catch {
      return null;
    }
  }

  private byDigest(): readonly RegistryEntry[] {
    return this.sortedState().entries;
  }

  private sortedState() {
    const { head, entries } = this.state;
    if (this.sorted?.head !== head) this.sorted = { head, entries: byDigest(entries) };
    return this.sorted;
  }

  private named(name: string): RegistryEntry | undefined {
    return [...this.state.entries.values()].find((entry) => entry.name === name);
  }
}
