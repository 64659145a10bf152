import type { ByteSource } from "../../bytes/byte-source.ts";
import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import { recogniseForeignFile } from "../foreign-file.ts";
import type { TensorInfo } from "../tensor-info.ts";
import { HeaderBuilder } from "./header-builder.ts";
import { JsonLexer, type JsonProblem } from "./json-lexer.ts";
import {
  FIRST_READ_BYTES,
  HEADER_PIECE_BYTES,
  MAX_DEPTH,
  MAX_HEADER_BYTES,
  MAX_NAME_BYTES,
  MAX_STRING_BYTES,
} from "./limits.ts";
import { refusePolyglot } from "./polyglot.ts";
import { tileTensors } from "./tiling.ts";

/** What a safetensors file says about itself. */
export interface SafetensorsHeader {
  /** In file order, that is by offset. */
  readonly tensors: Map<string, TensorInfo>;
  readonly metadata: Map<string, string>;
  /** Offset of the first byte after the header. */
  readonly dataStart: number;
  readonly notes: string[];
}

const PREFIX_BYTES = 8;

const JSON_CODES = {
  syntax: "ST_INVALID_JSON",
  utf8: "ST_NOT_UTF8",
  depth: "ST_DEPTH_LIMIT",
  token: "ST_TOKEN_LIMIT",
} as const satisfies Record<JsonProblem, ErrorCode>;

/** Why these first bytes cannot begin a safetensors file of `size` bytes, or null. */
function prefixProblem(head: Uint8Array, size: number): { code: ErrorCode; message: string } | null {
  if (size === 0) return { code: "EMPTY_FILE", message: "the file is empty" };
  if (size < PREFIX_BYTES) return { code: "ST_TRUNCATED_PREFIX", message: `the file has only ${size} bytes` };
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  if (length === 0n) return { code: "ST_HEADER_EMPTY", message: "the header has no bytes" };
  if (length > BigInt(MAX_HEADER_BYTES)) {
    return { code: "ST_HEADER_TOO_LARGE", message: `the header claims ${length} bytes, more than ${MAX_HEADER_BYTES}` };
  }
  if (PREFIX_BYTES + Number(length) > size) {
    return { code: "ST_HEADER_TRUNCATED", message: `the header claims ${length} bytes, the file has ${size}` };
  }
  return null;
}

/** The refusal for a file that is no safetensors: by what it is when its first bytes tell, else by `code`. */
function notSafetensors(code: ErrorCode, message: string, head: Uint8Array, file: string): WeightmarkError {
  const foreign = recogniseForeignFile(head);
  if (foreign !== null) return new WeightmarkError(foreign.code, `the file is ${foreign.what}`, { file });
  return new WeightmarkError(code, message, { file });
}

/**
 * Reads and checks the header of a safetensors file in bounded pieces; no weights are read.
 * What it accepts is a subset of what the reference reader accepts, each extra refusal with a code of its own.
 *
 * @throws the ST_ codes; EMPTY_FILE, GIT_LFS_POINTER, HTML_PAGE, TEXT_FILE, COMPRESSED_FILE, UNSUPPORTED_CONTAINER for
 *   files that are something else; what the source throws
 * @see https://github.com/huggingface/safetensors#format
 */
export async function readSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const { location: file, size } = source;
  const head = await source.read(0, Math.min(size, FIRST_READ_BYTES));
  const problem = prefixProblem(head, size);
  if (problem !== null) throw notSafetensors(problem.code, problem.message, head, file);
  const dataStart = PREFIX_BYTES + new DataView(head.buffer, head.byteOffset).getUint32(0, true);

  const builder = new HeaderBuilder(file, dataStart);
  const lexer = new JsonLexer(
    builder,
    { maxDepth: MAX_DEPTH, maxKeyBytes: MAX_NAME_BYTES, maxStringBytes: MAX_STRING_BYTES },
    (kind, message) =>
      builder.begun
        ? new WeightmarkError(JSON_CODES[kind], `header: ${message}`, { file })
        : notSafetensors(JSON_CODES[kind], `header: ${message}`, head, file),
  );
  lexer.push(head.subarray(PREFIX_BYTES, dataStart));
  for (let at = head.length; at < dataStart; at += HEADER_PIECE_BYTES) {
    lexer.push(await source.read(at, Math.min(at + HEADER_PIECE_BYTES, dataStart)));
  }
  lexer.finish();

  const tensors = tileTensors(builder.tensors, dataStart, size, file);
  await refusePolyglot(source, dataStart);
  const notes: string[] = [];
  if (builder.entriesWithUnknownFields > 0) {
    notes.push(`fields unknown to safetensors in ${builder.entriesWithUnknownFields} header entries, ignored`);
  }
  return { tensors, metadata: builder.metadata, dataStart, notes };
}
