import { pipeline, Readable } from "node:stream";
import { createGunzip, createInflateRaw, type Gunzip, type InflateRaw } from "node:zlib";
import type { ByteRange, ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { FREE_BYTES, MAX_RATIO, MAX_UNPACKED_BYTES } from "./limits.ts";

const PIECE_BYTES = 1 << 20;

/** How something was compressed. */
export type Compression = "deflate" | "gzip";

/** Bytes that some compressed bytes may unpack to. */
export function mostUnpacked(packed: number): number {
  return Math.min(MAX_UNPACKED_BYTES, Math.max(FREE_BYTES, packed * MAX_RATIO));
}

async function* piecesOf(source: ByteSource, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += PIECE_BYTES) yield source.read(at, Math.min(at + PIECE_BYTES, end));
}

/**
 * What compressed bytes unpack to, in pieces and in bounded memory. Whoever has enough ends the loop.
 *
 * @param range the compressed bytes and nothing else
 * @throws GZIP_MALFORMED, ARCHIVE_LIMIT, whatever the source throws
 */
export async function* inflate(
  source: ByteSource,
  range: ByteRange,
  how: Compression,
  file: string,
): AsyncGenerator<Uint8Array> {
  const packed = range.end - range.start;
  const most = mostUnpacked(packed);
  const stream: Gunzip | InflateRaw = how === "gzip" ? createGunzip() : createInflateRaw();
  // Errors of either come out of the loop below; a stream that nobody reads any more ends the other.
  pipeline(Readable.from(piecesOf(source, range)), stream, () => undefined);
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > most) {
        const message = `${packed} bytes unpack to more than ${most}`;
        throw new WeightmarkError("ARCHIVE_LIMIT", message, { file });
      }
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))) throw error;
    throw new WeightmarkError("GZIP_MALFORMED", `what was compressed cannot be unpacked (${error.message})`, {
      file,
      cause: error,
    });
  }
}
