import { writeSync } from "node:fs";

/** What takes bytes at a place of a file: a `FileHandle` is one. */
export interface Writable {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesWritten: number }>;
}

/** A disk that is full may take nothing at all without an error; asking it again would never end. */
function requireProgress(written: number): number {
  if (written === 0) throw new Error("no byte was written");
  return written;
}

/** Writes all of the bytes at `position`, null for where the file is at. Throws what the file system throws. */
export async function writeFully(file: Writable, bytes: Uint8Array, position: number | null = null): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const at = position === null ? null : position + done;
    done += requireProgress((await file.write(bytes, done, bytes.length - done, at)).bytesWritten);
  }
}

/** `writeFully` for the hot loops, which do not wait. */
export function writeFullySync(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += requireProgress(writeSync(fd, bytes, done, bytes.length - done, position + done));
  }
}
