import { type ByteRange, type ByteSource, canPrefetch } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { type ListedMember, readDirectory } from "./directory.ts";
import { findDirectory } from "./end-record.ts";
import { LOCAL_BYTES, type LocalHeader, readLocalHeader } from "./local-header.ts";

/** A member of an archive, and where its bytes lie. */
export interface ZipMember extends ByteRange {
  /** Opaque and hostile: never a path. */
  readonly name: string;
  /** Whether its bytes stand as they are, neither compressed nor encrypted. */
  readonly stored: boolean;
  /** Whether its bytes are deflated, and not encrypted. */
  readonly deflated: boolean;
  /** Bytes of it unpacked, and their CRC-32, as the archive says. */
  readonly size: number;
  readonly crc: number;
}

/** Members by name, in the order of the file. */
export type ZipArchive = ReadonlyMap<string, ZipMember>;

/** Room for what programs put behind the name in a header: PyTorch fills up to 64 bytes there. */
const EXTRA_BYTES = 128;
/** What is done with each member as soon as it is known, while what was read around its header is still held. */
export interface ZipVisit {
  /** Bytes of each member's content that are fetched along with its header. */
  readonly bytes: number;
  visit(member: ZipMember): Promise<void>;
}

/** Headers that are announced at a time to a source far away. */
const AHEAD = 4096;
/** A record of sizes behind a member whose header had none: with a signature or without, with small sizes or large. */
const DESCRIPTORS = [0, 12, 16, 20, 24];

/**
 * Reads what is in a zip archive, each member's header included, and no content. The members must fill the file from its
 * first byte to the list of them, so that nothing else hides in it and no two of them share bytes.
 *
 * @param each for whoever reads the beginnings of all members: one request brings header and beginning
 *
 * Memory: the list of members, 64 MiB at most. Reads: one for each member; far-away sources are told of them first.
 *
 * @throws ZIP_MALFORMED, ZIP_OVERLAP, ZIP_POLYGLOT, ZIP_LIMIT
 */
export async function readZip(source: ByteSource, each?: ZipVisit): Promise<ZipArchive> {
  const { location: file } = source;
  const place = await findDirectory(source);
  const listed = readDirectory(await source.read(place.start, place.end), place.members, file);
  listed.sort((a, b) => a.header - b.header);
  const archive = new Map<string, ZipMember>();
  let at = 0;
  for (const [i, member] of listed.entries()) {
    const next = listed[i + 1]?.header ?? place.start;
    if (i % AHEAD === 0) await announce(source, listed.slice(i, i + AHEAD), place.start, each?.bytes ?? 0);
    const { header } = member;
    if (header !== at) throw misplaced(file, at, header);
    if (next === header) throw misplaced(file, header + LOCAL_BYTES, next);
    const local = await headerOf(source, member, Math.min(next, place.start));
    const end = local.start + member.packed;
    if (end > next) throw misplaced(file, end, next);
    if (!isDescriptor(next - end, local)) throw misplaced(file, end, next);
    const { name, size, crc } = member;
    const [stored, deflated] = [isStored(member), isDeflated(member)];
    const found: ZipMember = { name, start: local.start, end, stored, deflated, size, crc };
    archive.set(name, found);
    await each?.visit(found);
    at = next;
  }
  if (at !== place.start) throw misplaced(file, at, place.start);
  if (canPrefetch(source)) await source.prefetch([]);
  return archive;
}

/** Bytes that a member does not have are its descriptor, or nothing. */
function isDescriptor(bytes: number, { descriptor }: LocalHeader): boolean {
  return bytes === 0 || (descriptor && DESCRIPTORS.includes(bytes));
}

function isStored({ method, flags, packed, size }: ListedMember): boolean {
  return method === 0 && (flags & 1) === 0 && packed === size;
}

function isDeflated({ method, flags }: ListedMember): boolean {
  return method === 8 && (flags & 1) === 0;
}

function misplaced(file: string, end: number, next: number): WeightmarkError {
  if (end > next) return new WeightmarkError("ZIP_OVERLAP", `bytes ${next} to ${end} belong to two members`, { file });
  return new WeightmarkError("ZIP_POLYGLOT", `bytes ${end} to ${next} belong to no member`, { file });
}

function headerRange({ header, name }: ListedMember, before: number): ByteRange {
  const most = header + LOCAL_BYTES + Buffer.byteLength(name) + EXTRA_BYTES;
  return { start: Math.min(header, before), end: Math.min(most, before) };
}

async function announce(
  source: ByteSource,
  members: readonly ListedMember[],
  before: number,
  content: number,
): Promise<void> {
  if (!canPrefetch(source)) return;
  await source.prefetch(
    members.map((member) => {
      const { start, end } = headerRange(member, before);
      return { start, end: Math.min(end + content, before) };
    }),
  );
}

async function headerOf(source: ByteSource, member: ListedMember, before: number): Promise<LocalHeader> {
  const { start, end } = headerRange(member, before);
  return readLocalHeader(await source.read(start, end), member, source.location);
}
