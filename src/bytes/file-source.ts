import { closeSync, fstatSync, read, readSync } from "node:fs";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { WeightmarkError } from "../errors.ts";
import type { SyncByteSource } from "./byte-source.ts";
import { KeptHandle } from "./open-handles.ts";
import { fsPath } from "./path-text.ts";
import { requireRange } from "./range.ts";
import {
  type FileIdentity,
  fileError,
  identityOf,
  type OpenedFile,
  openRegularFd,
  openRegularFdSync,
  sameIdentity,
} from "./regular-file.ts";

/** read(2) moves at most 2^31 - 1 bytes a call; asking for less keeps every platform alike. */
const MAX_BYTES_PER_CALL = 1 << 30;

const readLater = promisify(read);

/**
 * A local regular file as a byte source. Few files of a thread are open at a time: this one may be closed while others are
 * read, and is opened again if it is still the one that it was.
 *
 * @param path what to open; links are followed
 * @param location what messages call it
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE (never blocks on a FIFO or device), TOO_MANY_OPEN_FILES
 */
export async function openFileSource(path: string, location: string = path): Promise<SyncByteSource> {
  let first: FileIdentity | null = null;

  function changed(what: string): WeightmarkError {
    return new WeightmarkError("CHANGED_DURING_READ", `the file ${what} while it was being read`, {
      file: location,
      detail: "Copy the file to a place where nothing writes to it and run again.",
    });
  }

  /** The number of what was opened, if it is the file that it was the first time. */
  function same({ fd, identity }: OpenedFile): number {
    first ??= identity;
    if (sameIdentity(identity, first)) return fd;
    closeSync(fd);
    throw changed("was replaced or written to");
  }

  /** Why it could not be opened: what has been there once is not absent. */
  function refusal(error: unknown): unknown {
    if (first === null || !(error instanceof WeightmarkError)) return error;
    if (error.code === "FILE_NOT_FOUND") return changed("was removed");
    return error.code === "NOT_A_REGULAR_FILE" ? changed("was replaced") : error;
  }

  const kept = new KeptHandle({
    async open() {
      const opened = await openRegularFd(path).catch((error) => {
        throw refusal(error);
      });
      return same(opened);
    },
    openSync() {
      try {
        return same(openRegularFdSync(path));
      } catch (error) {
        throw refusal(error);
      }
    },
  });

  await kept.use(async () => undefined);
  const identity: FileIdentity = first!;
  const size = Number(identity.size);

  return {
    location,
    size,
    async read(start, end) {
      requireRange(start, end, size, location);
      const bytes = new Uint8Array(end - start);
      await kept
        .use(async (fd) => {
          for (let done = 0; done < bytes.length; ) {
            const length = Math.min(bytes.length - done, MAX_BYTES_PER_CALL);
            const { bytesRead } = await readLater(fd, bytes, done, length, start + done);
            if (bytesRead === 0) throw changed("was truncated");
            done += bytesRead;
          }
        })
        .catch((error) => {
          throw fileError(error, location);
        });
      return bytes;
    },
    readIntoSync(target, start) {
      requireRange(start, start + target.length, size, location);
      try {
        kept.useSync((fd) => {
          for (let done = 0; done < target.length; ) {
            const length = Math.min(target.length - done, MAX_BYTES_PER_CALL);
            const bytesRead = readSync(fd, target, done, length, start + done);
            if (bytesRead === 0) throw changed("was truncated");
            done += bytesRead;
          }
        });
      } catch (error) {
        throw fileError(error, location);
      }
    },
    async verifyUnchanged() {
      const open = kept.fd === null ? null : fstatSync(kept.fd, { bigint: true });
      if (open !== null && !sameIdentity(identityOf(open), identity)) throw changed("was written to");
      // The path too: worker threads open it again, and would read whatever stands there now.
      const there = await stat(fsPath(path), { bigint: true }).catch(() => null);
      if (there === null) throw changed("was removed");
      if (!sameIdentity(identityOf(there), identity)) throw changed("was replaced");
    },
    async close() {
      kept.close();
    },
  };
}
