import { stat } from "node:fs/promises";
import { WeightmarkError } from "../../errors.ts";

/** Anyone who is in the file's group may change it, or others may do anything with it. */
const NOT_FOR_GROUP_TO_READ = 0o037;
const NOT_FOR_OWNER_ALONE = 0o077;
/** As Kubernetes and Compose call the modes that they give to mounted secrets. */
const ON_MOUNTS = "on a mounted secret, mode 0440 and owner root will do";

/**
 * Whether others than those it is meant for may read or change a file that holds a secret. The rule is that of libpq for private
 * keys: a file is for its owner alone, and one of root may be read by its group, which is how secrets are mounted for processes
 * that are not root.
 *
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html
 */
export function isExposed({ mode, uid }: { readonly mode: number; readonly uid: number }): boolean {
  // Windows has no such bits: who may read there is decided by lists that Node does not show.
  if (process.platform === "win32") return false;
  return (mode & (uid === 0 ? NOT_FOR_GROUP_TO_READ : NOT_FOR_OWNER_ALONE)) !== 0;
}

/** The refusal of a key file that others can use, or what to say of a sealed one. */
export function exposedKey(file: string, sealed: boolean): WeightmarkError {
  return new WeightmarkError("KEY_FILE_PERMISSIONS", "others than its owner may read or change the key file", {
    file,
    detail: sealed
      ? `It is sealed, so this is no refusal: allow it to its owner alone (chmod 600; ${ON_MOUNTS}).`
      : `Allow it to its owner alone (chmod 600; ${ON_MOUNTS}) or use a sealed one there (\`resealKeyFile\`), and make a new key if somebody may have read this one.`,
  });
}

/** What to say of the file that a passphrase is in, or null when there is nothing to say. A pipe is nobody else's. */
export async function exposedPassphrase(file: string): Promise<WeightmarkError | null> {
  const stats = await stat(file).catch(() => null);
  if (stats === null || !stats.isFile() || !isExposed(stats)) return null;
  return new WeightmarkError("KEY_FILE_PERMISSIONS", "others than its owner may read or change the passphrase's file", {
    file,
    detail: `Allow it to its owner alone (chmod 600; ${ON_MOUNTS}).`,
  });
}
