import { openRegularFile } from "../bytes/regular-file.ts";
import { WeightmarkError } from "../errors.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { orRefused } from "./verify-timestamp.ts";

/** All roots that browsers trust take 250 kB. */
const MAX_ROOTS_BYTES = 4 << 20;
const MAX_ROOTS = 1024;
const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g;

/**
 * The certificates in a file, PEM or one of DER: those that the caller trusts.
 *
 * @throws TIMESTAMP_ROOTS_UNUSABLE where there is none, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE
 */
export async function readTrustedRoots(path: string): Promise<Certificate[]> {
  const { handle, identity } = await openRegularFile(path);
  try {
    if (identity.size > MAX_ROOTS_BYTES) throw unusable("the file is too large", path);
    const bytes = await handle.readFile();
    const blocks = [...bytes.toString("latin1").matchAll(PEM)].map(([, base64]) => Buffer.from(base64!, "base64"));
    const all = blocks.length === 0 ? [bytes] : blocks;
    if (all.length > MAX_ROOTS) throw unusable("the file holds too many certificates", path);
    return orRefused(path, () => all.map(readCertificate));
  } catch (error) {
    if (!(error instanceof WeightmarkError) || error.code !== "TIMESTAMP_MALFORMED") throw error;
    throw unusable(`the file holds no certificates, or one that cannot be read (${error.message})`, path);
  } finally {
    await handle.close();
  }
}

function unusable(message: string, file: string): WeightmarkError {
  return new WeightmarkError("TIMESTAMP_ROOTS_UNUSABLE", message, { file });
}
