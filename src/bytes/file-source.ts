import { readSync } from "node:fs";
import { stat } from "node:fs/promises";
import { WeightmarkError } from "../errors.ts";
import type { SyncByteSource } from "./byte-source.ts";
import { fsPath } from "./path-text.ts";
import { requireRange } from "./range.ts";
import { fileError, identityOf, openRegularFile, sameIdentity } from "./regular-file.ts";

/** read(2) moves at most 2^31 - 1 bytes a call; asking for less keeps every platform alike. */
const MAX_BYTES_PER_CALL = 1 << 30;

/**
 * A local regular file as a byte source.
 *
 * @param path what to open; links are followed
 * @param location what messages call it
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE (never blocks on a FIFO or device)
 */
export async function openFileSource(path: string, location: string = path): Promise<SyncByteSource> {
  const { handle, identity } = await openRegularFile(path);
  const size = Number(identity.size);

  function changed(what: string): WeightmarkError {
    return new WeightmarkError("CHANGED_DURING_READ", `the file ${what} while it was being read`, {
      file: location,
      detail: "Copy the file to a place where nothing writes to it and run again.",
    });
  }

  return {
    location,
    size,
    async read(start, end) {
      requireRange(start, end, size, location);
      const bytes = new Uint8Array(end - start);
      for (let done = 0; done < bytes.length; ) {
        const length = Math.min(bytes.length - done, MAX_BYTES_PER_CALL);
        const { bytesRead } = await handle.read(bytes, done, length, start + done).catch((error) => {
          throw fileError(error, location);
        });
        if (bytesRead === 0) throw changed("was truncated");
        done += bytesRead;
      }
      return bytes;
    },
    readIntoSync(target, start) {
      requireRange(start, start + target.length, size, location);
      for (let done = 0; done < target.length; ) {
        const length = Math.min(target.length - done, MAX_BYTES_PER_CALL);
        let bytesRead: number;
        try {
          bytesRead = readSync(handle.fd, target, done, length, start + done);
        } catch (error) {
          throw fileError(error, location);
        }
        if (bytesRead === 0) throw changed("was truncated");
        done += bytesRead;
      }
    },
    async verifyUnchanged() {
      const open = identityOf(await handle.stat({ bigint: true }));
      if (!sameIdentity(open, identity)) throw changed("was written to");
      // The path too: worker threads open it again, and would read whatever stands there now.
      const there = await stat(fsPath(path), { bigint: true }).catch(() => null);
      if (there === null) throw changed("was removed");
      if (!sameIdentity(identityOf(there), identity)) throw changed("was replaced");
    },
    async close() {
      await handle.close();
    },
  };
}
