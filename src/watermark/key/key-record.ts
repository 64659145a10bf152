import { createHash } from "node:crypto";
import { z } from "zod";
import { WeightmarkError } from "../../errors.ts";

/** What everybody may know of a key; every field is authenticated by the seal. */
export interface KeyHeader {
  /** The version of the file: in the first, all layers share their subkeys. */
  readonly format: KeyFormat;
  /** `ModelKey.id`. */
  readonly id: string;
  readonly release: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** Id of the key that this one succeeds, or null. */
  readonly replaces: string | null;
}

/** scrypt (RFC 7914) with a salt of the file's own. */
export interface KeyDerivation {
  readonly name: "scrypt";
  readonly n: number;
  readonly r: number;
  readonly p: number;
  /** 16 bytes, hex. */
  readonly salt: string;
}

/** The master under AES-256-GCM, hex. */
export interface SealedMaster {
  readonly cipher: "aes-256-gcm";
  readonly iv: string;
  readonly ciphertext: string;
  readonly tag: string;
}

/** A key file: a sealed master with the way its key is derived, or the bare master (32 bytes, hex). */
export type KeyRecord = KeyHeader &
  ({ readonly kdf: KeyDerivation; readonly sealed: SealedMaster } | { readonly unsealed: string });

/** What all versions begin with. */
export const KEY_FORMAT = "weightmark/key-file@";
/** The first for keys whose layers share their subkeys, the second for layered keys: see `LayeredKey`. */
const KEY_FORMATS = [`${KEY_FORMAT}1`, `${KEY_FORMAT}2`] as const;
export type KeyFormat = (typeof KEY_FORMATS)[number];
export const MASTER_BYTES = 32;
export const SALT_BYTES = 16;
export const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Half of a SHA-256. */
const CHECK_BYTES = 16;
const MAX_RELEASE_LENGTH = 200;

/** What a file may ask scrypt to use: it would decide over our memory and time otherwise (CWE-400). */
const MAX_SCRYPT_BYTES = 256 << 20;
const MAX_SCRYPT_PARALLEL = 4;
/** Below this a passphrase would cost nothing to guess; nobody but an attacker writes such a file. */
const MIN_SCRYPT_N = 1 << 14;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const keyId = hex(8);

const header = {
  format: z.enum(KEY_FORMATS),
  id: keyId,
  release: z.string().refine((text) => releaseProblem(text) === null),
  created: z.iso.datetime(),
  replaces: keyId.nullable(),
  check: hex(CHECK_BYTES).optional(),
};

const kdf = z
  .strictObject({
    name: z.literal("scrypt"),
    n: z.int().min(MIN_SCRYPT_N),
    r: z.int().min(1),
    p: z.int().min(1).max(MAX_SCRYPT_PARALLEL),
    salt: hex(SALT_BYTES),
  })
  .refine(({ n, r }) => scryptBytes(n, r) <= MAX_SCRYPT_BYTES && Number.isInteger(Math.log2(n)));

const sealed = z.strictObject({
  cipher: z.literal("aes-256-gcm"),
  iv: hex(IV_BYTES),
  ciphertext: hex(MASTER_BYTES),
  tag: hex(TAG_BYTES),
});

const record = z.union([
  z.strictObject({ ...header, kdf, sealed }),
  z.strictObject({ ...header, unsealed: hex(MASTER_BYTES) }),
]);

/** Memory that scrypt works in (RFC 7914, section 6). */
export function scryptBytes(n: number, r: number): number {
  return 128 * n * r;
}

/** What is wrong with a release's label, or null. */
export function releaseProblem(release: string): string | null {
  if (release === "") return "is empty";
  if (release.length > MAX_RELEASE_LENGTH) return `is longer than ${MAX_RELEASE_LENGTH} characters`;
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(release)) return "holds characters that cannot be seen";
  return null;
}

/**
 * Tells damage, for which no passphrase is needed, and which the id of a bare key does not tell of its dates. No seal:
 * anyone who alters a file can make it anew.
 */
function checkOf(record: KeyRecord): string {
  const { format, id, release, created, replaces } = record;
  const secret =
    "sealed" in record
      ? [record.kdf, record.sealed].flatMap((part) => Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : [record.unsealed];
  return createHash("sha256")
    .update(JSON.stringify([format, id, release, created, replaces, ...secret]))
    .digest("hex")
    .slice(0, 2 * CHECK_BYTES);
}

/** JSON with one field a line, so that two key files can be compared by eye. */
export function serializeKeyRecord(record: KeyRecord): Uint8Array {
  const { format, id, release, created, replaces, ...secret } = record;
  const about = { format, id, release, created, replaces };
  const fields = Object.entries({ ...about, ...secret, check: checkOf(record) });
  return Buffer.from(`{\n${fields.map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`).join(",\n")}\n}\n`);
}

/**
 * Parses a key file. Nothing of its text goes into an error: it may be the key.
 *
 * @throws KEY_FILE_MALFORMED, also for scrypt parameters that ask for more than 256 MiB
 */
export function parseKeyRecord(bytes: Uint8Array, file: string): KeyRecord {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // The parser's own message quotes what it fails on, so it is dropped, as a cause too.
    throw malformed("the file is no JSON", file);
  }
  const parsed = record.safeParse(value);
  if (!parsed.success) throw malformed("the file is no watermark key of this version", file);
  const { check, ...rest } = parsed.data;
  // Keys of earlier releases have none.
  if (check !== undefined && check !== checkOf(rest)) throw malformed("the key file was damaged or altered", file);
  return rest;
}

export function malformed(message: string, file: string): WeightmarkError {
  return new WeightmarkError("KEY_FILE_MALFORMED", message, {
    file,
    detail: "Take another copy of the file; a key that is lost cannot be made again.",
  });
}
