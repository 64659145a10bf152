import type { ByteRange, ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { MAX_TAR_MEMBERS, MAX_TAR_NAMES } from "../archive/limits.ts";
import { BLOCK_BYTES, isZero, readTarHeader, type TarHeader, textIn } from "./header.ts";
import { type PaxFields, readPax } from "./pax.ts";

/** A file in an archive, and where its bytes lie. */
export interface TarMember extends ByteRange {
  /** Opaque and hostile: never a path. */
  readonly name: string;
  /** Whether its bytes are all there as they are: not those of a link or of a sparse file. */
  readonly plain: boolean;
}

/** Names and records before a header that say more of it than it has room for. */
const MAX_EXTRA_BYTES = 1 << 20;
/** Headers in a row that only say more of the next one. */
const MAX_EXTRAS = 8;
/** Headers are looked for so far at a time: files of a few kilobytes in a row cost one read. */
const WINDOW_BYTES = 64 << 10;

/** Zeros behind the end: programs fill up to records of 10 KiB, and of more if told to. */
const MAX_FILL_BYTES = 1 << 20;

/** What was said of the member that comes next. */
interface Extras {
  readonly path?: string | undefined;
  readonly pax?: PaxFields | undefined;
}

/**
 * Reads what is in a tar archive, of POSIX or GNU, and no content. Of two members of one name the archive is refused: programs
 * that unpack would leave the last, and others would see the first.
 *
 * Reads: at least one for each member of more than some kilobytes.
 *
 * @throws TAR_MALFORMED, TAR_UNSUPPORTED, ARCHIVE_LIMIT
 */
export async function readTar(source: ByteSource): Promise<ReadonlyMap<string, TarMember>> {
  const { location: file, size: length } = source;
  const refuse = (message: string) => new WeightmarkError("TAR_MALFORMED", message, { file });
  const members = new Map<string, TarMember>();
  const blocks = blockReader(source);
  let extras: Extras = {};
  let count = 0;
  let inARow = 0;
  let characters = 0;
  for (let at = 0; ; ) {
    if (at + BLOCK_BYTES > length) throw refuse("the archive is cut off: it does not end with blocks of zeros");
    const block = await blocks(at, BLOCK_BYTES);
    if (isZero(block)) {
      await requireEmpty(source, at, refuse);
      return members;
    }
    const header = readTarHeader(block);
    if (header === null) throw refuse(`no header of a member at byte ${at}`);
    const start = at + BLOCK_BYTES;
    const isExtra = "xgLK".includes(header.type);
    const size = (isExtra ? undefined : extras.pax?.size) ?? header.size;
    const end = start + size;
    if (end > length) throw refuse(`a member of ${size} bytes at byte ${start} does not fit into the archive`);
    if (++count > MAX_TAR_MEMBERS) throw limit(file, `more than ${MAX_TAR_MEMBERS} members`);
    at = start + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    if (isExtra) {
      if (size > MAX_EXTRA_BYTES) throw limit(file, `${size} bytes that only name a member`);
      if (++inARow > MAX_EXTRAS) throw refuse("headers that only say more of the next one follow one another");
      extras = withExtra(extras, header.type, await blocks(start, size), refuse);
      continue;
    }
    const name = (extras.pax?.path ?? extras.path ?? header.name)?.replace(/^(?:\.\/+)+/, "") ?? null;
    if (name === null) throw refuse("a member's name is not UTF-8");
    characters += name.length;
    if (characters > MAX_TAR_NAMES) throw limit(file, `names of more than ${MAX_TAR_NAMES} characters`);
    if (header.type === "S") throw unsupported(file, "a sparse file of GNU's old form is in it");
    if (isFile(header, name)) {
      if (members.has(name)) throw refuse(`${JSON.stringify(name.slice(0, 80))} stands twice in the archive`);
      members.set(name, { name, start, end, plain: "0\0".includes(header.type) && extras.pax?.sparse !== true });
    }
    extras = {};
    inARow = 0;
  }
}

/** What fills the last record up is zeros. An archive behind the end of another is one that most programs do not see. */
async function requireEmpty(source: ByteSource, at: number, refuse: (message: string) => Error): Promise<void> {
  const isShort = source.size - at <= MAX_FILL_BYTES;
  if (!isShort || !isZero(await source.read(at, source.size)))
    throw refuse("something stands behind the archive's end");
}

/** Directories, and what has no name, are nothing that could be read. What is a link is told when it is needed. */
function isFile({ type }: TarHeader, name: string): boolean {
  return type !== "5" && name !== "" && !name.endsWith("/");
}

function withExtra(extras: Extras, type: string, bytes: Uint8Array, refuse: (message: string) => Error): Extras {
  if (type === "K") return extras;
  if (type === "L") {
    const path = textIn(bytes);
    if (path === null) throw refuse("a member's name is not UTF-8");
    return { ...extras, path };
  }
  const pax = readPax(bytes);
  if (pax === null) throw refuse("a record of pax is not what it must be");
  // What a global record says holds for all that follow: a path or a size for all of them is no archive of anything.
  if (type === "x") return { ...extras, pax };
  if (pax.path !== undefined || pax.size !== undefined || pax.sparse) {
    throw refuse("a global record of pax gives all members one name or size");
  }
  return extras;
}

/** Reads in windows: a header is often followed by the next one within some kilobytes. */
function blockReader(source: ByteSource): (start: number, size: number) => Promise<Uint8Array> {
  let window: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array() };
  return async (start, size) => {
    const isIn = start >= window.start && start + size <= window.start + window.bytes.length;
    if (!isIn) {
      const end = Math.min(source.size, start + Math.max(size, WINDOW_BYTES));
      window = { start, bytes: await source.read(start, end) };
    }
    return window.bytes.subarray(start - window.start, start - window.start + size);
  };
}

function limit(file: string, message: string): WeightmarkError {
  return new WeightmarkError("ARCHIVE_LIMIT", message, { file });
}

function unsupported(file: string, message: string): WeightmarkError {
  return new WeightmarkError("TAR_UNSUPPORTED", message, { file });
}
