import { randomBytes } from "node:crypto";
import { writeFileAtomic } from "../../bytes/atomic-file.ts";
import { openRegularFile } from "../../bytes/regular-file.ts";
import { WeightmarkError } from "../../errors.ts";
import {
  type KeyHeader,
  type KeyRecord,
  MASTER_BYTES,
  malformed,
  parseKeyRecord,
  releaseProblem,
  serializeKeyRecord,
} from "./key-record.ts";
import { openMaster, type ScryptCost, sealMaster } from "./key-seal.ts";
import { layeredKey } from "./layered-key.ts";
import { type ModelKey, modelKey } from "./model-key.ts";
import { exposedKey, isExposed } from "./secret-file.ts";

/** What can be said of a key file without opening it. */
export interface KeyDescription extends KeyHeader {
  /** Whether a passphrase is needed. */
  readonly sealed: boolean;
  /** Whether others may read or change the file, which is refused of one that is not sealed; see `isExposed`. */
  readonly exposed: boolean;
}

export interface NewKeyOptions {
  /** Seals the file; null leaves the master bare in it, with nothing but its mode to protect it. */
  readonly passphrase: string | null;
  /** Label of the release, 1 to 200 visible characters. @default the day of creation, "2026-11-22" */
  readonly release?: string | undefined;
  /** @default the system's clock */
  readonly now?: (() => Date) | undefined;
  /** What a guess at the passphrase costs. @default 2^17, 8, 1: 128 MiB */
  readonly cost?: ScryptCost | undefined;
}

/** Larger files are no keys; a kilobyte is usual. */
const MAX_KEY_FILE_BYTES = 65_536;
const OWNER_ONLY = 0o600;
/** What new keys are; files of the first version keep theirs, since what they marked is found by it alone. */
const LATEST = "weightmark/key-file@2";

/**
 * Makes a key and writes its file, mode 0600. An existing file is never replaced: a lost key cannot be made again.
 *
 * @throws USAGE for a label or passphrase that cannot be used, OUTPUT_EXISTS, WRITE_FAILED
 */
export function generateKeyFile(path: string, options: NewKeyOptions): Promise<KeyDescription> {
  return writeNewKey(path, options, null);
}

/**
 * A new key for the next release, with a new master; the old file stays and keeps verifying the old release.
 *
 * @throws what `describeKeyFile` and `generateKeyFile` throw
 */
export async function rotateKeyFile(path: string, output: string, options: NewKeyOptions): Promise<KeyDescription> {
  const { id } = await describeKeyFile(path);
  return writeNewKey(output, options, id);
}

/**
 * The same key in a new file under another passphrase (null: none).
 *
 * @throws what `readKeyFile` and `generateKeyFile` throw
 */
export async function resealKeyFile(
  path: string,
  output: string,
  passphrase: string | null,
  options: Pick<NewKeyOptions, "passphrase" | "cost">,
): Promise<KeyDescription> {
  const { record } = await readRecord(path);
  const master = await masterOf(record, passphrase, path);
  const description = await writeKey(output, headerOf(record), master, options);
  master.fill(0);
  return description;
}

/**
 * The key of a release from its file.
 *
 * @param passphrase null when there is none; not used by a file that is not sealed
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE, KEY_FILE_PERMISSIONS of an unsealed one, KEY_FILE_MALFORMED,
 *   KEY_PASSPHRASE_MISSING, KEY_PASSPHRASE_WRONG
 */
export async function readKeyFile(path: string, passphrase: string | null): Promise<ModelKey> {
  const { record } = await readRecord(path);
  const master = await masterOf(record, passphrase, path);
  const key = keyOf(master, record);
  master.fill(0);
  return key;
}

/**
 * What a key file says of itself. Only opening a sealed one proves it.
 *
 * @throws what `readKeyFile` throws, less the passphrase
 */
export async function describeKeyFile(path: string): Promise<KeyDescription> {
  const { record, exposed } = await readRecord(path);
  return { ...headerOf(record), sealed: "sealed" in record, exposed };
}

async function writeNewKey(path: string, options: NewKeyOptions, replaces: string | null): Promise<KeyDescription> {
  const created = (options.now?.() ?? new Date()).toISOString();
  const release = options.release ?? created.slice(0, 10);
  const problem = releaseProblem(release);
  if (problem !== null) throw new WeightmarkError("USAGE", `the label of the release ${problem}`);
  const master = randomBytes(MASTER_BYTES);
  const format = LATEST;
  const { id } = keyOf(master, { format, release });
  const description = await writeKey(path, { format, id, release, created, replaces }, master, options);
  master.fill(0);
  return description;
}

async function writeKey(
  path: string,
  header: KeyHeader,
  master: Uint8Array,
  { passphrase, cost }: Pick<NewKeyOptions, "passphrase" | "cost">,
): Promise<KeyDescription> {
  if (passphrase === "") throw new WeightmarkError("USAGE", "the passphrase is empty");
  const secret =
    passphrase === null
      ? { unsealed: Buffer.from(master).toString("hex") }
      : await sealMaster(master, header, passphrase, cost);
  await writeFileAtomic(path, serializeKeyRecord({ ...header, ...secret }), { mode: OWNER_ONLY });
  return { ...header, sealed: passphrase !== null, exposed: false };
}

async function masterOf(record: KeyRecord, passphrase: string | null, file: string): Promise<Uint8Array> {
  if (!("sealed" in record)) return checked(Buffer.from(record.unsealed, "hex"), record, file);
  if (passphrase === null) {
    throw new WeightmarkError("KEY_PASSPHRASE_MISSING", "the key is sealed with a passphrase", { file });
  }
  const master = await openMaster(headerOf(record), record.kdf, record.sealed, passphrase);
  if (master === null) {
    throw new WeightmarkError("KEY_PASSPHRASE_WRONG", "the passphrase is another, or the file was altered", { file });
  }
  return checked(master, record, file);
}

/** The id is derived from the master and the release, so even a bare file cannot be given another release unnoticed. */
function checked(master: Uint8Array, header: KeyHeader, file: string): Uint8Array {
  if (keyOf(master, header).id === header.id) return master;
  throw malformed("the key has another id than its file says: the file was altered", file);
}

async function readRecord(path: string): Promise<{ readonly record: KeyRecord; readonly exposed: boolean }> {
  const { handle, identity } = await openRegularFile(path);
  try {
    const exposed = isExposed(await handle.stat());
    if (identity.size > MAX_KEY_FILE_BYTES) throw malformed("the file is too large for a key", path);
    const record = parseKeyRecord(await handle.readFile(), path);
    // A sealed one is no use without its passphrase, and anyone who changes it cannot make it another key.
    if (exposed && !("sealed" in record)) throw exposedKey(path, false);
    return { record, exposed };
  } finally {
    await handle.close();
  }
}

function keyOf(master: Uint8Array, { format, release }: Pick<KeyHeader, "format" | "release">): ModelKey {
  return format === LATEST ? layeredKey(master, release) : modelKey(master, release);
}

function headerOf({ format, id, release, created, replaces }: KeyHeader): KeyHeader {
  return { format, id, release, created, replaces };
}
