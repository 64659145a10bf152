import { isUtf8 } from "node:buffer";
import { opendir, realpath } from "node:fs/promises";
import { WeightmarkError } from "../errors.ts";

/** Bytes that are no UTF-8 stand as these halves of surrogate pairs, which no text has. */
const ESCAPES = 0xdc00;
const ESCAPED = /[\udc80-\udcff]/u;

/**
 * The name of a file as text. POSIX names are bytes, and Node makes U+FFFD of those that are no UTF-8, by which no file is
 * found again. Here each of them stands as one of U+DC80..U+DCFF, as in PEP 383: an ordinary string that JSON carries, and
 * that `fsPath` makes the same bytes of.
 */
export function pathText(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at]!);
    const piece = bytes.subarray(at, at + length);
    if (length > 0 && piece.length === length && isUtf8(piece)) {
      text += Buffer.from(piece).toString("utf8");
      at += length;
    } else text += String.fromCharCode(ESCAPES + bytes[at++]!);
  }
  return text;
}

/** Bytes of the sequence that a byte begins in UTF-8, or 0 when it begins none. */
function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/**
 * A path as Node's file system takes it: the bytes that `pathText` made it of where these are no UTF-8. Called a string all
 * the same, so that declarations need no types of Node's.
 */
export function fsPath(path: string): string {
  if (!ESCAPED.test(path) || process.platform === "win32") return path;
  const bytes = Buffer.concat(
    [...path].map((char) => (ESCAPED.test(char) ? Buffer.of(char.charCodeAt(0) - ESCAPES) : Buffer.from(char, "utf8"))),
  );
  return bytes as unknown as string;
}

/** A path with every link resolved. Throws what `realpath` throws. */
export async function realPath(path: string): Promise<string> {
  return pathText(await realpath(fsPath(path), { encoding: "buffer" }));
}

/** One entry of a directory. */
export interface Entry {
  readonly name: string;
  /** What kind of file it is. Its own name is not text. */
  readonly kind: { isDirectory(): boolean; isSymbolicLink(): boolean };
}

/** The entries of a directory, in no order. Throws what `opendir` throws. */
export async function* entriesIn(path: string): AsyncGenerator<Entry> {
  const asBytes = { encoding: "buffer" as BufferEncoding };
  for await (const kind of await opendir(fsPath(path), asBytes)) {
    yield { name: pathText(kind.name as unknown as Uint8Array), kind };
  }
}

/** Refuses to write a name that is no UTF-8: it would be another one. Throws WRITE_FAILED. */
export function requireWritableName(path: string): void {
  if (!/\p{Surrogate}/u.test(path)) return;
  throw new WeightmarkError("WRITE_FAILED", "names that are no UTF-8 are not written", {
    file: path,
    detail: "Name another output.",
  });
}
