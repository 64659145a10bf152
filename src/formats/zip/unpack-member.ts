import { crc32 } from "node:zlib";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { inflate, mostUnpacked } from "../archive/inflate.ts";
import type { ZipMember } from "./archive.ts";

/**
 * A deflated member unpacked, in pieces: exactly the bytes that the archive promises, or a refusal before the first
 * one too many.
 *
 * @param file what messages call the member
 * @throws ARCHIVE_LIMIT, ZIP_MALFORMED, GZIP_MALFORMED
 */
export async function* unpackMember(source: ByteSource, member: ZipMember, file: string): AsyncGenerator<Uint8Array> {
  const packed = member.end - member.start;
  const most = mostUnpacked(packed);
  if (member.size > most) {
    throw new WeightmarkError("ARCHIVE_LIMIT", `${packed} bytes are said to unpack to ${member.size}`, { file });
  }
  const refuse = (message: string) => new WeightmarkError("ZIP_MALFORMED", message, { file });
  let size = 0;
  let crc = 0;
  for await (const chunk of inflate(source, member, "deflate", file)) {
    size += chunk.length;
    if (size > member.size) throw refuse(`it unpacks to more than the ${member.size} bytes that the archive lists`);
    crc = crc32(chunk, crc);
    yield chunk;
  }
  if (size < member.size) throw refuse(`it unpacks to ${size} bytes, ${member.size} are listed`);
  if (crc !== member.crc) throw refuse("what it unpacks to has another checksum than the archive lists");
}
