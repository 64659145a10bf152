import type { ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { containerOf } from "../container-of.ts";
import { HeaderCursor } from "./header-cursor.ts";
import { MAX_ALIGNMENT } from "./limits.ts";
import { type MetadataValue, readMetadata } from "./metadata.ts";
import { type GgufTensor, readTensorTable } from "./tensor-table.ts";

/** A tensor and where its bytes lie: absolute offsets of the first, and of the one after the last. */
export interface PlacedTensor extends GgufTensor {
  readonly begin: number;
  readonly end: number;
}

export interface GgufHeader {
  readonly version: number;
  readonly littleEndian: boolean;
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  /** In the order of the file's own list. */
  readonly tensors: readonly PlacedTensor[];
}

const MAGIC_BYTES = 4;
const DEFAULT_ALIGNMENT = 32;
/** Magic, version and the two counts. */
const PREFIX_BYTES = 24;

/** Whether a file begins as GGUF does. */
export function beginsGguf(head: Uint8Array): boolean {
  return head.length >= 4 && head[0] === 0x47 && head[1] === 0x47 && head[2] === 0x55 && head[3] === 0x46;
}

/**
 * Reads the header of a GGUF file, version 2 or 3, of either byte order: what it says of the model, and where the tensors lie.
 * Reads no weights, and of the vocabulary only as much as it takes to pass over it. Memory is bounded by the number of tensors.
 *
 * Stricter than ggml in nothing that a converter writes, and laxer in two things: tensors may lie in another order than they are
 * listed in, and those of a type that is not known are listed as well, up to where the next one begins.
 *
 * @throws the GGUF_* codes; for files that are something else EMPTY_FILE, UNSUPPORTED_CONTAINER and others; what the source
 *   throws
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export async function readGgufHeader(source: ByteSource): Promise<GgufHeader> {
  const { location: file } = source;
  if (!beginsGguf(await source.read(0, Math.min(MAGIC_BYTES, source.size)))) throw await notGguf(source);
  const cursor = new HeaderCursor(source);
  await cursor.need(PREFIX_BYTES);
  cursor.skip(MAGIC_BYTES);
  const version = versionOf(cursor);
  const tensorCount = cursor.size();
  const metadata = await readMetadata(cursor, cursor.size());
  const tensors = await readTensorTable(cursor, tensorCount);
  const alignment = alignmentOf(metadata, file);
  const data = aligned(cursor.position, alignment);
  return { version, littleEndian: cursor.littleEndian, metadata, tensors: placed(tensors, data, alignment, source) };
}

/** The refusal of a file that is called GGUF, by what it is where that can be told. */
async function notGguf(source: ByteSource): Promise<WeightmarkError> {
  const { location: file, size } = source;
  if (size === 0) return new WeightmarkError("EMPTY_FILE", "the file is empty", { file });
  const found = await containerOf(source, file, new Set());
  if (found === null) return new WeightmarkError("UNSUPPORTED_CONTAINER", "the file is no GGUF model", { file });
  return new WeightmarkError(found.code, `the file is ${found.what}`, { file, detail: found.advice });
}

/** @throws GGUF_VERSION */
function versionOf(cursor: HeaderCursor): number {
  const little = cursor.u32();
  // Read the wrong way round, small numbers are large.
  cursor.littleEndian = (little & 0xffff) !== 0;
  const version = cursor.littleEndian ? little : swapped(little);
  if (version === 2 || version === 3) return version;
  throw new WeightmarkError("GGUF_VERSION", `version ${version} is not read`, { file: cursor.location });
}

function swapped(value: number): number {
  return new DataView(Uint32Array.of(value).buffer).getUint32(0, false);
}

/** @throws GGUF_METADATA_INVALID, GGUF_ALIGNMENT */
function alignmentOf(metadata: ReadonlyMap<string, MetadataValue>, file: string): number {
  const alignment = metadata.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  if (typeof alignment !== "number") {
    throw new WeightmarkError("GGUF_METADATA_INVALID", "general.alignment is no number", { file });
  }
  if (Number.isInteger(alignment) && alignment > 0 && alignment <= MAX_ALIGNMENT && (alignment & (alignment - 1)) === 0)
    return alignment;
  throw new WeightmarkError("GGUF_ALIGNMENT", `an alignment of ${alignment}`, { file });
}

function aligned(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/**
 * Where the tensors lie: on aligned offsets, inside the file, apart, and with nothing but padding between them.
 *
 * @param data offset of the tensor data
 */
function placed(tensors: readonly GgufTensor[], data: number, alignment: number, source: ByteSource): PlacedTensor[] {
  const { location: file, size } = source;
  const refused = (
    code: "GGUF_ALIGNMENT" | "GGUF_OVERLAP" | "GGUF_HOLE" | "GGUF_TRUNCATED",
    why: string,
    tensor?: string,
  ) => new WeightmarkError(code, why, { file, tensor });
  const order = tensors.map((_, i) => i);
  order.sort((a, b) => tensors[a]!.offset - tensors[b]!.offset || tensors[a]!.elements - tensors[b]!.elements || a - b);
  const all = new Array<PlacedTensor>(tensors.length);
  let last = data;
  for (const [i, index] of order.entries()) {
    const tensor = tensors[index]!;
    const { name, type, typeId, shape, elements, offset } = tensor;
    const begin = data + offset;
    if (offset % alignment !== 0) throw refused("GGUF_ALIGNMENT", `offset ${offset} in steps of ${alignment}`, name);
    if (begin < last) throw refused("GGUF_OVERLAP", `it begins at ${begin}, one before it ends at ${last}`, name);
    if (begin - last >= alignment) throw refused("GGUF_HOLE", `${begin - last} bytes before it belong to none`, name);
    const next = i + 1 < order.length ? data + tensors[order[i + 1]!]!.offset : size;
    const end = type === undefined ? Math.max(begin, next) : begin + (elements / type.elements) * type.bytes;
    if (end > size) throw refused("GGUF_TRUNCATED", `it ends at byte ${end}, the file has ${size}`, name);
    // Spelled out: a spread takes three times as long and twice the memory, which a million tensors show.
    all[index] = { name, typeId, type, shape, elements, offset, begin, end };
    last = end;
  }
  if (size - last >= alignment && tensors.length > 0) {
    throw refused("GGUF_HOLE", `${size - last} bytes follow the last tensor`);
  }
  return all;
}
