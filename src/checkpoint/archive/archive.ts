import type { ByteBudget } from "../../bytes/byte-budget.ts";
import { type ByteSource, isSync } from "../../bytes/byte-source.ts";
import { insideLocation } from "../../bytes/inside-location.ts";
import { sliceSource } from "../../bytes/slice-source.ts";
import { Spool } from "../../bytes/spool.ts";
import { WeightmarkError } from "../../errors.ts";
import { inflate } from "../../formats/archive/inflate.ts";
import { readTar, type TarMember } from "../../formats/tar/read-tar.ts";
import { readZip, type ZipMember } from "../../formats/zip/archive.ts";
import { unpackMember } from "../../formats/zip/unpack-member.ts";

/** A file in an archive. */
export interface Member {
  /** Opaque and hostile: a key, never a path. */
  readonly name: string;
  /** Bytes of it, unpacked; null where only unpacking tells. */
  readonly size: number;
  /** As many of its first bytes as there are, up to `most`. Reads and unpacks no more than these need. */
  head(most: number): Promise<Uint8Array>;
  /** All of it. What is compressed is unpacked into a file without a name, which goes when the archive is closed. */
  open(): Promise<ByteSource>;
}

/** An archive whose list of members was read. */
export interface Archive {
  /** What messages call it. */
  readonly location: string;
  readonly members: ReadonlyMap<string, Member>;
  /** Names of the files directly in each folder that has any; "" is the root. */
  readonly folders: ReadonlyMap<string, readonly string[]>;
  close(): Promise<void>;
}

export type ArchiveKind = "zip" | "tar" | "gzip";

/** What reading an archive may use. */
export interface ArchiveAccess {
  /** Opens the archive again: of what is far away each member has a source of its own, which fetches ahead for itself. */
  readonly reopen: () => Promise<ByteSource>;
  /** What unpacking reads is counted in it. */
  readonly budget: ByteBudget | undefined;
}

/**
 * Reads the list of an archive's members. Of what gzip compressed as a whole everything is unpacked first.
 *
 * @param source closed with the archive
 * @param name of the archive's file: what was compressed alone is called like it
 * @throws ZIP_*, TAR_*, GZIP_MALFORMED, ARCHIVE_LIMIT, WRITE_FAILED, BYTE_BUDGET_EXCEEDED; the source stays open then
 */
export async function openArchive(
  source: ByteSource,
  kind: ArchiveKind,
  name: string,
  access: ArchiveAccess,
): Promise<Archive> {
  const spool = new Spool();
  const archive = { location: source.location, source, spool, access };
  const close = async () => {
    await spool.close();
    await source.close();
  };
  try {
    const members = await membersOf(archive, kind, name);
    return { location: source.location, members, folders: foldersOf(members.keys()), close };
  } catch (error) {
    await spool.close();
    throw error;
  }
}

function foldersOf(names: Iterable<string>): Map<string, string[]> {
  const folders = new Map<string, string[]>();
  for (const name of names) {
    const end = name.lastIndexOf("/");
    const folder = name.slice(0, Math.max(0, end));
    const list = folders.get(folder);
    if (list === undefined) folders.set(folder, [name.slice(end + 1)]);
    else list.push(name.slice(end + 1));
  }
  return folders;
}

interface Opened {
  readonly location: string;
  readonly source: ByteSource;
  readonly spool: Spool;
  readonly access: ArchiveAccess;
}

async function membersOf(archive: Opened, kind: ArchiveKind, name: string): Promise<ReadonlyMap<string, Member>> {
  if (kind === "zip") {
    const members = [...(await readZip(archive.source)).values()].filter((one) => !one.name.endsWith("/"));
    return new Map(members.map((one) => [one.name, zipMember(archive, one)]));
  }
  if (kind === "tar") return tarMembers(archive, await readTar(archive.source));
  const { source, spool, access, location } = archive;
  access.budget?.spend(source.size, location);
  const unpacked = spool.source(
    await spool.add(inflate(source, { start: 0, end: source.size }, "gzip", location)),
    location,
  );
  if (await isTar(unpacked)) return tarMembers({ ...archive, source: unpacked }, await readTar(unpacked));
  const own = name.replace(/\.gz$/i, "");
  return new Map([[own, sliceMember({ ...archive, source: unpacked }, { name: own, start: 0, end: unpacked.size })]]);
}

async function isTar(source: ByteSource): Promise<boolean> {
  const signature = source.size < 512 ? new Uint8Array() : await source.read(257, 262);
  return Buffer.from(signature).toString("latin1") === "ustar";
}

function tarMembers(archive: Opened, members: ReadonlyMap<string, TarMember>): ReadonlyMap<string, Member> {
  return new Map(
    [...members].map(([name, one]) => [name, one.plain ? sliceMember(archive, one) : noMember(archive, one)]),
  );
}

/** What stands in the archive as it is. */
function sliceMember(archive: Opened, { name, start, end }: Pick<TarMember, "name" | "start" | "end">): Member {
  const { source, access } = archive;
  const location = insideLocation(archive.location, name);
  return {
    name,
    size: end - start,
    head: (most) => source.read(start, Math.min(end, start + most)),
    async open() {
      if (isSync(source)) return sliceSource(source, { start, end, location });
      const own = await access.reopen();
      try {
        if (own.size === source.size) return sliceSource(own, { start, end, location, owns: true });
        throw new WeightmarkError("CHANGED_DURING_READ", "the archive is not the one that was listed", {
          file: location,
        });
      } catch (error) {
        await own.close();
        throw error;
      }
    },
  };
}

/** A link and its like: no bytes of its own, and what it leads to is not looked for. */
function noMember(archive: Opened, { name }: TarMember): Member {
  const refuse = async () => {
    const file = insideLocation(archive.location, name);
    throw new WeightmarkError("TAR_UNSUPPORTED", "a link, a sparse file or a device in the archive", { file });
  };
  return { name, size: 0, head: refuse, open: refuse };
}

function zipMember(archive: Opened, member: ZipMember): Member {
  if (member.stored) return sliceMember(archive, member);
  const { name, size } = member;
  const file = insideLocation(archive.location, name);
  if (!member.deflated) {
    const refuse = async () => {
      throw new WeightmarkError(
        "ZIP_MEMBER_UNSUPPORTED",
        "it is encrypted, or compressed by another method than deflate",
        {
          file,
          detail: "Unpack the archive yourself, and name the model that comes out.",
        },
      );
    };
    return { name, size, head: refuse, open: refuse };
  }
  const { source, spool, access } = archive;
  let unpacked: Promise<ByteSource> | null = null;
  return {
    name,
    size,
    async head(most) {
      const pieces: Uint8Array[] = [];
      let length = 0;
      for await (const piece of unpackMember(source, member, file)) {
        pieces.push(piece);
        length += piece.length;
        if (length >= most) break;
      }
      return Buffer.concat(pieces).subarray(0, most);
    },
    open() {
      unpacked ??= (async () => {
        access.budget?.spend(member.end - member.start, file);
        return spool.source(await spool.add(unpackMember(source, member, file)), file);
      })();
      return unpacked;
    },
  };
}
