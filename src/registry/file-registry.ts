import { lstat, mkdir, readdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../bytes/atomic-file.ts";
import { WeightmarkError } from "../errors.ts";
import { layerCodes } from "../fingerprint/codes.ts";
import { parseFingerprint, serializeFingerprint } from "../fingerprint/file.ts";
import { FINGERPRINT_VERSION, type Fingerprint, type LayerCode } from "../fingerprint/fingerprint.ts";
import type { RankedBase } from "../lineage/candidate-source.ts";
import { type AddPlan, applyChange, draftOf, planAdd } from "./add-plan.ts";
import { readArchive, writeArchive } from "./archive.ts";
import { codeFilePath, encodeCodes, putRecord, readCodeFile } from "./code-file.ts";
import { buildCodeIndex, type CodeIndex, scoreBases } from "./code-index.ts";
import { digestOf } from "./digest.ts";
import { appendJournal, type Change, EMPTY_JOURNAL, type JournalState, readJournal } from "./journal.ts";
import { withLock } from "./lock.ts";
import { compareText, isDigest, requireName } from "./names.ts";
import { packCodes } from "./packed-codes.ts";
import type { AddOptions, AddOutcome, Registry, RegistryEntry, RegistryProblem } from "./registry.ts";

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
  const state = await readJournal(directory);
  if (state === null) await requireUsable(directory, options.create ?? false);
  return new FileRegistry(directory, state ?? EMPTY_JOURNAL, options);
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
      detail: "Make one with `weightmark registry add MODEL`, or `weightmark registry import FILE`.",
    });
  }
}

/** What a first `add` that was killed can leave. */
function isOurs(name: string): boolean {
  return name === "fingerprints" || name === "codes.bin" || name === "lock" || name.endsWith(".tmp");
}

class FileRegistry implements Registry {
  readonly location: string;
  private state: JournalState;
  /** Length of the code cache within a change under way. */
  private codesLength = 0;
  private readonly clock: () => string | null;
  private readonly lockTimeoutMs: number;
  private index: { readonly digests: readonly string[]; readonly codes: CodeIndex; readonly head: string } | null =
    null;

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
    return digestOf(
      this.byDigest()
        .map(({ digest, name, root }) => `${JSON.stringify([digest, name, root])}\n`)
        .join(""),
    );
  }

  list(): RegistryEntry[] {
    return this.byDigest().sort((a, b) => compareText(a.name, b.name));
  }

  find(nameOrDigest: string): RegistryEntry {
    const named = this.named(nameOrDigest);
    if (named !== undefined) return named;
    const matches = /^[0-9a-f]{8,64}$/.test(nameOrDigest)
      ? this.byDigest().filter(({ digest }) => digest.startsWith(nameOrDigest))
      : [];
    if (matches.length === 1) return matches[0]!;
    throw new WeightmarkError(
      "REGISTRY_ENTRY_UNKNOWN",
      matches.length > 1 ? "several entries have digests that begin so" : "no entry has this name or digest",
      { file: nameOrDigest, detail: "See `weightmark registry list`." },
    );
  }

  async read(digest: string): Promise<Uint8Array> {
    const entry = this.state.entries.get(digest);
    if (entry === undefined) {
      throw new WeightmarkError("REGISTRY_ENTRY_UNKNOWN", "no entry has this digest", { file: digest });
    }
    const bytes = await readFile(this.fingerprintPath(digest)).then(plainBytes, (cause) => {
      throw new WeightmarkError("REGISTRY_ENTRY_MISSING", "a registered fingerprint is gone or unreadable", {
        file: this.fingerprintPath(digest),
        detail: `Register ${entry.name} again, or remove it.`,
        cause,
      });
    });
    if (digestOf(bytes) !== digest) {
      throw new WeightmarkError("REGISTRY_ENTRY_POISONED", "a registered fingerprint is not what was registered", {
        file: this.fingerprintPath(digest),
        detail: `Its bytes have changed since; remove ${entry.name} and register it again.`,
      });
    }
    return bytes;
  }

  async load(digest: string): Promise<Fingerprint> {
    return parseFingerprint(await this.read(digest), this.fingerprintPath(digest));
  }

  async add(fingerprint: Fingerprint, options: AddOptions): Promise<AddOutcome> {
    requireName(options.name);
    const bytes = serializeFingerprint(fingerprint);
    return this.write(async () => {
      const plan = planAdd(draftOf(bytes, fingerprint), options, this.clock(), this.state.entries);
      await this.store(bytes, plan);
      await this.commit(plan.changes);
      return plan.outcome;
    });
  }

  async remove(nameOrDigest: string): Promise<RegistryEntry> {
    return this.write(async () => {
      const entry = this.find(nameOrDigest);
      await this.commit([{ remove: entry.digest }]);
      return entry;
    });
  }

  exportArchive(): AsyncIterable<Uint8Array> {
    return writeArchive(this.byDigest(), (digest) => this.read(digest));
  }

  async importArchive(path: string, options: { readonly replace?: boolean | undefined } = {}): Promise<AddOutcome[]> {
    return this.write(async () => {
      // Fingerprints named by their digest harm no one when the rest of the archive turns out bad; the journal decides.
      const entries = new Map(this.state.entries);
      const outcomes: AddOutcome[] = [];
      const changes: Change[] = [];
      try {
        for await (const item of readArchive(path)) {
          const draft = draftOf(item.bytes, item.fingerprint);
          const plan = planAdd(draft, { ...options, name: item.name, root: item.root }, item.addedAt, entries);
          await this.store(item.bytes, plan);
          for (const change of plan.changes) applyChange(entries, change);
          changes.push(...plan.changes);
          outcomes.push(plan.outcome);
        }
      } catch (error) {
        for (const { entry } of outcomes) await this.discard(entry.digest);
        throw error;
      }
      await this.commit(changes);
      return outcomes;
    });
  }

  async verify(): Promise<RegistryProblem[]> {
    const problems: RegistryProblem[] = [];
    const cached = await readCodeFile(this.location);
    for (const { digest, name } of this.byDigest()) {
      const report = (code: string, message: string) => problems.push({ code, digest, name, message });
      try {
        const codes = encodeCodes(digest, packCodes(layerCodes(await this.load(digest))));
        const found = cached.get(digest);
        if (found === undefined) report("CODES_MISSING", "its layer codes are not cached; identification is slower");
        else if (!Buffer.from(encodeCodes(digest, found)).equals(codes)) {
          report("CODES_WRONG", "its cached layer codes are not those of the fingerprint");
        }
      } catch (error) {
        if (!(error instanceof WeightmarkError)) throw error;
        report(error.code, error.message);
      }
    }
    for (const file of await readdir(join(this.location, "fingerprints")).catch(() => [])) {
      const digest = file.slice(0, 64);
      if (file === `${digest}.safetensors` && isDigest(digest) && !this.state.entries.has(digest)) {
        problems.push({
          code: "UNREGISTERED_FILE",
          digest,
          name: null,
          message: "a fingerprint file that no entry names",
        });
      }
    }
    return problems;
  }

  async candidates(codes: readonly LayerCode[], limit: number): Promise<RankedBase[]> {
    const index = await this.codeIndex();
    return scoreBases(index.codes, packCodes(codes))
      .flatMap((score, i) => {
        const entry = this.state.entries.get(index.digests[i]!);
        if (score === null || entry === undefined) return [];
        return [{ digest: entry.digest, name: entry.name, root: entry.root, score }];
      })
      .sort((a, b) => b.score - a.score || compareText(a.digest, b.digest))
      .slice(0, limit);
  }

  /** From the cache file; bases it lacks are read in full. */
  private async codeIndex(): Promise<{ readonly digests: readonly string[]; readonly codes: CodeIndex }> {
    if (this.index?.head === this.state.head) return this.index;
    const cached = await readCodeFile(this.location);
    const digests = this.byDigest().flatMap(({ digest, version }) => (version === FINGERPRINT_VERSION ? [digest] : []));
    const bases: Uint8Array[] = [];
    for (const digest of digests) bases.push(cached.get(digest) ?? packCodes(layerCodes(await this.load(digest))));
    this.index = { digests, codes: buildCodeIndex(bases), head: this.state.head };
    return this.index;
  }

  /** Runs `work` as the only writer, on the state that lies on disk then. */
  private async write<T>(work: () => Promise<T>): Promise<T> {
    await mkdir(join(this.location, "fingerprints"), { recursive: true }).catch((cause) => {
      throw new WeightmarkError("WRITE_FAILED", "the registry's directory cannot be made", {
        file: this.location,
        cause,
      });
    });
    return withLock(this.location, this.lockTimeoutMs, async () => {
      this.state = (await readJournal(this.location)) ?? EMPTY_JOURNAL;
      this.codesLength = this.state.codesLength;
      return work();
    });
  }

  /** Writes the fingerprint unless it lies there intact, and the codes of a new one. */
  private async store(bytes: Uint8Array, { draft, isNew }: AddPlan): Promise<void> {
    const path = this.fingerprintPath(draft.entry.digest);
    const there = await readFile(path).catch(() => null);
    if (there === null || !there.equals(bytes)) await writeFileAtomic(path, bytes, { overwrite: true });
    if (!isNew) return;
    const record = encodeCodes(draft.entry.digest, draft.codes);
    this.codesLength =
      (await putRecord(this.location, this.codesLength, record)) ??
      (await this.rewriteCodes([...this.state.entries.keys(), draft.entry.digest]));
  }

  /** Removes the file of a digest that no entry names. */
  private async discard(digest: string): Promise<void> {
    if (!this.state.entries.has(digest)) await unlink(this.fingerprintPath(digest)).catch(() => undefined);
  }

  /** The journal line is what makes a change happen; files it no longer names go after it. */
  private async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    const before = [...this.state.entries.keys()];
    const after = new Map(this.state.entries);
    for (const change of changes) applyChange(after, change);
    if (before.some((digest) => !after.has(digest))) this.codesLength = await this.rewriteCodes([...after.keys()]);
    this.state = await appendJournal(this.location, this.state, this.clock(), changes, this.codesLength);
    for (const digest of before) await this.discard(digest);
  }

  /** Writes the code cache anew for these bases, the sound ones among them at least; its new length. */
  private async rewriteCodes(digests: readonly string[]): Promise<number> {
    const cached = await readCodeFile(this.location);
    const records: Uint8Array[] = [];
    for (const digest of [...digests].sort(compareText)) {
      const codes = cached.get(digest) ?? (await this.codesOf(digest));
      if (codes !== null) records.push(encodeCodes(digest, codes));
    }
    const bytes = Buffer.concat(records);
    await writeFileAtomic(codeFilePath(this.location), bytes, { overwrite: true });
    return bytes.length;
  }

  /** From the stored fingerprint, registered or about to be; null when it is not sound. */
  private async codesOf(digest: string): Promise<Uint8Array | null> {
    try {
      const bytes = plainBytes(await readFile(this.fingerprintPath(digest)));
      return digestOf(bytes) === digest ? packCodes(layerCodes(await parseFingerprint(bytes, digest))) : null;
    } catch {
      return null;
    }
  }

  private byDigest(): RegistryEntry[] {
    return [...this.state.entries.values()].sort((a, b) => compareText(a.digest, b.digest));
  }

  private named(name: string): RegistryEntry | undefined {
    return [...this.state.entries.values()].find((entry) => entry.name === name);
  }

  /** `digest` is 64 hex digits everywhere it can come from, so the path stays inside the directory. */
  private fingerprintPath(digest: string): string {
    return join(this.location, "fingerprints", `${digest}.safetensors`);
  }
}

/** A Buffer's `slice` shares memory where a Uint8Array's copies: no Buffer leaves this file. */
function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
