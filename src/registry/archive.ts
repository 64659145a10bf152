import { createReadStream } from "node:fs";
import { fileError, openRegularFile } from "../bytes/regular-file.ts";
import { WeightmarkError } from "../errors.ts";
import { parseFingerprint } from "../fingerprint/file.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import type { Part } from "../lineage/part.ts";
import { type ContentCheck, type SignatureRequirement, verifySignedFile } from "../signing/signed-content.ts";
import { digestOf } from "./digest.ts";
import { isDigest, requireName } from "./names.ts";
import { NO_PARTS, partListOf } from "./parts.ts";
import type { RegistryEntry } from "./registry.ts";

const SCHEMA = "weightmark/registry-archive@1";
/** One line holds one fingerprint; a 7B model's is about 2 MB in base64. */
const MAX_LINE_BYTES = 1 << 28;
const CHECK_DIGITS = 32;

/** One verified line of an archive. */
export interface ArchiveItem {
  readonly name: string;
  readonly root: boolean;
  readonly parts: readonly Part[];
  readonly addedAt: string | null;
  readonly digest: string;
  readonly bytes: Uint8Array;
  readonly fingerprint: Fingerprint;
}

/** What an entry's line says, in its order, but for the check that ends it. */
interface ArchivedEntry {
  readonly name: string;
  readonly root: boolean;
  /** Left out where there are none. */
  readonly parts?: readonly Part[];
  readonly addedAt: string | null;
  readonly digest: string;
  /** The fingerprint in base64; the digest is over its bytes. */
  readonly data: string;
}

/** The digest vouches for the fingerprint alone: a name or a root flag that was damaged would be registered as it is. */
function checkOf({ data: _, ...about }: ArchivedEntry): string {
  return digestOf(JSON.stringify(about)).slice(0, CHECK_DIGITS);
}

/**
 * JSON lines: a header with the number of entries, then one entry a line, by digest, with the fingerprint in base64 and
 * a check of the rest. Same entries, same bytes. One fingerprint is in memory at a time.
 */
export async function* writeArchive(
  entries: readonly RegistryEntry[],
  read: (digest: string) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify({ schema: SCHEMA, entries: entries.length })}\n`);
  for (const { name, root, parts, addedAt, digest } of entries) {
    const bytes = await read(digest);
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
    const entry: ArchivedEntry = { name, root, ...(parts.length === 0 ? {} : { parts }), addedAt, digest, data };
    yield Buffer.from(`${JSON.stringify({ ...entry, check: checkOf(entry) })}\n`);
  }
}

function malformed(path: string, why: string, cause?: unknown): WeightmarkError {
  return new WeightmarkError("ARCHIVE_MALFORMED", `the archive ${why}`, {
    file: path,
    detail: "Export it again.",
    cause,
  });
}

/** Lines of a file, the longest bounded, the last one only if it is whole. All of its bytes are shown to `check`. */
async function* linesOf(path: string, check: ContentCheck | undefined): AsyncGenerator<string> {
  // Refuses FIFOs and devices; the stream then owns the handle.
  const { handle } = await openRegularFile(path);
  const stream = createReadStream("", { fd: handle, highWaterMark: 1 << 20 });
  let pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      check?.update(chunk);
      let start = 0;
      for (let end = chunk.indexOf(0x0a); end >= 0; start = end + 1, end = chunk.indexOf(0x0a, start)) {
        yield Buffer.concat([...pieces, chunk.subarray(start, end)]).toString("utf8");
        pieces = [];
        length = 0;
      }
      if (start < chunk.length) pieces.push(chunk.subarray(start));
      length += chunk.length - start;
      if (length > MAX_LINE_BYTES) throw malformed(path, `has a line longer than ${MAX_LINE_BYTES} bytes`);
    }
  } catch (error) {
    throw fileError(error, path);
  } finally {
    stream.destroy();
  }
  check?.finish();
  if (length > 0) throw malformed(path, "is cut off in the middle of a line");
}

function parseLine(line: string, path: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw malformed(path, `is not JSON in line ${number}`, cause);
  }
  throw malformed(path, `has no entry in line ${number}`);
}

async function checkItem(item: Record<string, unknown>, path: string, number: number): Promise<ArchiveItem> {
  const { name, root, addedAt, digest, data, check } = item;
  const parts = partListOf(item.parts === undefined ? NO_PARTS : item.parts);
  if (
    typeof name !== "string" ||
    typeof root !== "boolean" ||
    parts === null ||
    (addedAt !== null && typeof addedAt !== "string") ||
    typeof digest !== "string" ||
    !isDigest(digest) ||
    typeof data !== "string"
  ) {
    throw malformed(path, `has no entry in line ${number}`);
  }
  // Archives of earlier releases have none.
  const entry = { name, root, ...(parts.length === 0 ? {} : { parts }), addedAt, digest, data };
  if (check !== undefined && check !== checkOf(entry)) {
    throw malformed(path, `was damaged or altered in line ${number}`);
  }
  requireName(name);
  const decoded = Buffer.from(data, "base64");
  // Node's decoder skips what is not base64; only the exact encoding of the bytes is accepted.
  if (decoded.toString("base64") !== data) throw malformed(path, `is not base64 in line ${number}`);
  const bytes = new Uint8Array(decoded);
  if (digestOf(bytes) !== digest)
    throw malformed(path, `holds a fingerprint that is not its digest's in line ${number}`);
  return { name, root, parts, addedAt, digest, bytes, fingerprint: await parseFingerprint(bytes, path) };
}

/**
 * Every item of an archive, verified one by one. Where a signature is required, the archive is read to its end against it before
 * its first line is believed, and what is read then is held against it again: nothing counts before the last item has come.
 *
 * @throws ARCHIVE_MALFORMED, REGISTRY_VERSION, REGISTRY_NAME_INVALID, FINGERPRINT_MALFORMED, FINGERPRINT_VERSION, what
 *   `verifySignedFile` throws
 */
export async function* readArchive(path: string, signature?: SignatureRequirement): AsyncGenerator<ArchiveItem> {
  const signed = signature === undefined ? null : await verifySignedFile(path, signature);
  let expected = Number.NaN;
  let number = 0;
  for await (const line of linesOf(path, signed?.check())) {
    number++;
    const value = parseLine(line, path, number);
    if (number > 1) {
      yield await checkItem(value, path, number);
      continue;
    }
    if (typeof value.schema !== "string" || !value.schema.startsWith("weightmark/registry-archive@")) {
      throw malformed(path, "is no registry archive");
    }
    if (value.schema !== SCHEMA) {
      throw new WeightmarkError("REGISTRY_VERSION", "the archive was written by another version of weightmark", {
        file: path,
        detail: "Export it again, with this version.",
      });
    }
    if (!Number.isSafeInteger(value.entries)) throw malformed(path, "does not say how many entries it has");
    expected = value.entries as number;
  }
  if (number - 1 !== expected) {
    throw malformed(path, number === 0 ? "is empty" : `has ${number - 1} entries and promises ${expected}`);
  }
}
