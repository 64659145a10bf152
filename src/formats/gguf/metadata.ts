import { WeightmarkError } from "../../errors.ts";
import type { HeaderCursor } from "./header-cursor.ts";
import { MAX_DEPTH, MAX_ENTRIES, MAX_KEPT_BYTES, MAX_KEPT_ITEMS, MAX_KEPT_TEXT, MAX_NAME_BYTES } from "./limits.ts";

/** What was passed over: a long text, or an array of texts, of arrays or of many numbers. */
export interface Passed {
  readonly kind: "text" | "texts" | "numbers" | "arrays";
  /** Items of an array, bytes of a text. */
  readonly count: number;
  /** Offsets in the file of the first byte of the text or of the first item, and of the byte after the last. */
  readonly begin: number;
  readonly end: number;
}

/** Whole numbers that a double cannot hold exactly are bigints. */
export type MetadataValue = number | bigint | boolean | string | readonly (number | bigint | boolean)[] | Passed;

type Scalar = number | bigint | boolean;

/** Value types by number: bytes, and how one is read. Bools are bytes of 0 and 1. */
const SCALARS: ReadonlyMap<number, readonly [bytes: number, read: (cursor: HeaderCursor) => Scalar | null]> = new Map([
  [0, [1, (cursor) => cursor.u8()]],
  [1, [1, (cursor) => cursor.i8()]],
  [2, [2, (cursor) => cursor.u16()]],
  [3, [2, (cursor) => cursor.i16()]],
  [4, [4, (cursor) => cursor.u32()]],
  [5, [4, (cursor) => cursor.i32()]],
  [6, [4, (cursor) => cursor.f32()]],
  [7, [1, (cursor) => boolOf(cursor.u8())]],
  [10, [8, (cursor) => cursor.u64()]],
  [11, [8, (cursor) => cursor.i64()]],
  [12, [8, (cursor) => cursor.f64()]],
]);
const TEXT = 8;
const ARRAY = 9;
/** Bytes of a length or count. */
const LENGTH = 8;

function boolOf(byte: number): boolean | null {
  return byte > 1 ? null : byte === 1;
}

/**
 * Reads the key-value pairs of a header. Small values are kept; of others it is said where they lie.
 *
 * @throws GGUF_LIMIT, GGUF_METADATA_INVALID, GGUF_DUPLICATE_KEY, GGUF_TRUNCATED
 */
export async function readMetadata(cursor: HeaderCursor, count: number): Promise<Map<string, MetadataValue>> {
  const { location: file } = cursor;
  if (count > MAX_ENTRIES) {
    throw new WeightmarkError("GGUF_LIMIT", `more than ${MAX_ENTRIES} entries of metadata`, { file });
  }
  const metadata = new Map<string, MetadataValue>();
  const kept = { bytes: 0 };
  for (let i = 0; i < count; i++) {
    const key = await readName(cursor, "a metadata key");
    if (metadata.has(key)) {
      throw new WeightmarkError("GGUF_DUPLICATE_KEY", `the key ${shown(key)} stands twice`, { file });
    }
    if (!cursor.has(4)) await cursor.need(4);
    const type = cursor.u32();
    const value = await readValue(cursor, type, kept, 0);
    if (value === null) {
      throw new WeightmarkError("GGUF_METADATA_INVALID", `the value of ${shown(key)} is none of its type, ${type}`, {
        file,
      });
    }
    metadata.set(key, value);
  }
  return metadata;
}

const MAX_SHOWN = 120;

function shown(key: string): string {
  return JSON.stringify(key.length > MAX_SHOWN ? `${key.slice(0, MAX_SHOWN)}...` : key);
}

/**
 * A length and so many bytes of UTF-8.
 *
 * @throws GGUF_LIMIT, GGUF_METADATA_INVALID
 */
export async function readName(cursor: HeaderCursor, what: string): Promise<string> {
  if (!cursor.has(LENGTH)) await cursor.need(LENGTH);
  const length = cursor.size();
  if (length > MAX_NAME_BYTES) {
    throw new WeightmarkError("GGUF_LIMIT", `${what} has more than ${MAX_NAME_BYTES} bytes`, {
      file: cursor.location,
    });
  }
  if (!cursor.has(length)) await cursor.need(length);
  const name = cursor.text(length);
  if (name !== null) return name;
  throw new WeightmarkError("GGUF_METADATA_INVALID", `${what} is no UTF-8`, { file: cursor.location });
}

/** Null for what is no value of the type. */
async function readValue(
  cursor: HeaderCursor,
  type: number,
  kept: { bytes: number },
  depth: number,
): Promise<MetadataValue | null> {
  const scalar = SCALARS.get(type);
  if (scalar !== undefined) {
    if (!cursor.has(scalar[0])) await cursor.need(scalar[0]);
    return scalar[1](cursor);
  }
  if (type === TEXT) return readText(cursor, kept);
  return type === ARRAY ? readArray(cursor, kept, depth) : null;
}

async function readText(cursor: HeaderCursor, kept: { bytes: number }): Promise<string | Passed | null> {
  if (!cursor.has(LENGTH)) await cursor.need(LENGTH);
  const length = cursor.size();
  if (length > MAX_KEPT_TEXT || kept.bytes + length > MAX_KEPT_BYTES) {
    const begin = cursor.position;
    cursor.skip(length);
    return { kind: "text", count: length, begin, end: begin + length };
  }
  if (!cursor.has(length)) await cursor.need(length);
  kept.bytes += length;
  return cursor.text(length);
}

async function readArray(
  cursor: HeaderCursor,
  kept: { bytes: number },
  depth: number,
): Promise<readonly Scalar[] | Passed | null> {
  if (depth === MAX_DEPTH) {
    throw new WeightmarkError("GGUF_LIMIT", `arrays of metadata nest more than ${MAX_DEPTH} deep`, {
      file: cursor.location,
    });
  }
  if (!cursor.has(4 + LENGTH)) await cursor.need(4 + LENGTH);
  const type = cursor.u32();
  const count = cursor.size();
  const begin = cursor.position;
  const scalar = SCALARS.get(type);
  if (scalar === undefined) {
    if (type !== TEXT && type !== ARRAY) return null;
    // No limit of its own: every item has bytes, of which a header may have so many.
    for (let i = 0; i < count; i++) {
      if (type === ARRAY) {
        if ((await readArray(cursor, kept, depth + 1)) === null) return null;
        continue;
      }
      if (!cursor.has(LENGTH)) await cursor.need(LENGTH);
      cursor.skip(cursor.size());
    }
    return { kind: type === TEXT ? "texts" : "arrays", count, begin, end: cursor.position };
  }
  const [bytes, read] = scalar;
  if (count > MAX_KEPT_ITEMS || kept.bytes + LENGTH * count > MAX_KEPT_BYTES) {
    cursor.skip(count * bytes);
    return { kind: "numbers", count, begin, end: cursor.position };
  }
  if (!cursor.has(count * bytes)) await cursor.need(count * bytes);
  kept.bytes += LENGTH * count;
  const items: Scalar[] = [];
  for (let i = 0; i < count; i++) {
    const item = read(cursor);
    if (item === null) return null;
    items.push(item);
  }
  return items;
}
