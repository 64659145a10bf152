import { closeSync, constants, openSync, readSync } from "node:fs";
import { WeightmarkError } from "../../errors.ts";

const MAX_TOKEN_BYTES = 4096;

/**
 * A token as it may stand in a header; null when there is nothing but blanks.
 *
 * @param origin what messages call the place that it is from; the token itself is never in them
 */
export function checkedToken(text: string, origin: string): string | null {
  const token = text.trim();
  if (token === "") return null;
  if (token.length > MAX_TOKEN_BYTES || !/^[\x21-\x7e]+$/.test(token)) {
    throw new WeightmarkError("USAGE", `${origin} holds no token: one word of printable characters`);
  }
  return token;
}

/**
 * The token in a file, or null when there is no such file.
 *
 * @throws FILE_UNREADABLE, USAGE
 */
export function readTokenFile(path: string): string | null {
  let file: number;
  try {
    // Non-blocking: a FIFO would hang the process.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw unreadable(path, code, cause);
  }
  try {
    const bytes = Buffer.alloc(MAX_TOKEN_BYTES + 1);
    return checkedToken(bytes.toString("utf8", 0, readSync(file, bytes, 0, bytes.length, 0)), "the token file");
  } catch (cause) {
    if (cause instanceof WeightmarkError) throw cause;
    throw unreadable(path, (cause as NodeJS.ErrnoException).code, cause);
  } finally {
    closeSync(file);
  }
}

function unreadable(path: string, code: string | undefined, cause: unknown): WeightmarkError {
  return new WeightmarkError("FILE_UNREADABLE", `the token file cannot be read (${code ?? "unknown"})`, {
    file: path,
    cause,
  });
}
