import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import {
  IV_BYTES,
  type KeyDerivation,
  type KeyHeader,
  MASTER_BYTES,
  SALT_BYTES,
  type SealedMaster,
  scryptBytes,
} from "./key-record.ts";

/** 128 MiB and about half a second per guess: the strongest that OWASP's password storage cheat sheet lists. */
const SCRYPT_COST = { n: 1 << 17, r: 8, p: 1 } as const;

export type ScryptCost = Pick<KeyDerivation, "n" | "r" | "p">;

const deriveBits = promisify<string, Uint8Array, number, object, Buffer>(scrypt);

/** Seals a 32-byte master with a passphrase; the header is authenticated with it. */
export async function sealMaster(
  master: Uint8Array,
  header: KeyHeader,
  passphrase: string,
  cost: ScryptCost = SCRYPT_COST,
): Promise<{ readonly kdf: KeyDerivation; readonly sealed: SealedMaster }> {
  const kdf: KeyDerivation = { name: "scrypt", ...cost, salt: randomBytes(SALT_BYTES).toString("hex") };
  const key = await deriveKey(passphrase, kdf);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(authenticated(header, kdf));
  const ciphertext = Buffer.concat([cipher.update(master), cipher.final()]).toString("hex");
  key.fill(0);
  const tag = cipher.getAuthTag().toString("hex");
  return { kdf, sealed: { cipher: "aes-256-gcm", iv: iv.toString("hex"), ciphertext, tag } };
}

/** The master, or null when the passphrase is another or anything of the file was changed: GCM cannot tell which. */
export async function openMaster(
  header: KeyHeader,
  kdf: KeyDerivation,
  sealed: SealedMaster,
  passphrase: string,
): Promise<Uint8Array | null> {
  const key = await deriveKey(passphrase, kdf);
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(sealed.iv, "hex"))
    .setAAD(authenticated(header, kdf))
    .setAuthTag(Buffer.from(sealed.tag, "hex"));
  key.fill(0);
  try {
    return Buffer.concat([decipher.update(Buffer.from(sealed.ciphertext, "hex")), decipher.final()]);
  } catch {
    return null;
  }
}

/** Composed and decomposed accents are the same passphrase, whichever keyboard typed them (RFC 8265, 4.2). */
function deriveKey(passphrase: string, { n, r, p, salt }: KeyDerivation): Promise<Buffer> {
  const maxmem = 2 * scryptBytes(n, r);
  return deriveBits(passphrase.normalize("NFC"), Buffer.from(salt, "hex"), MASTER_BYTES, { N: n, r, p, maxmem });
}

function authenticated(header: KeyHeader, { name, n, r, p, salt }: KeyDerivation): Uint8Array {
  const { format, id, release, created, replaces } = header;
  return Buffer.from(JSON.stringify([format, id, release, created, replaces, name, n, r, p, salt]), "utf8");
}
