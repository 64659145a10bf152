import type { ByteSource } from "../../bytes/byte-source.ts";
import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import type { TensorInfo } from "../tensor-info.ts";
import { HeaderBuilder } from "./header-builder.ts";
import { JsonLexer, type JsonProblem } from "./json-lexer.ts";
import { FIRST_READ_BYTES, HEADER_PIECE_BYTES, MAX_DEPTH, MAX_NAME_BYTES, MAX_STRING_BYTES } from "./limits.ts";
import { refusePolyglot } from "./polyglot.ts";
import { announcedLength, NO_SAFETENSORS, notSafetensors, PREFIX_BYTES, prefixProblem } from "./prefix.ts";
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

const JSON_CODES = {
  syntax: "ST_INVALID_JSON",
  utf8: "ST_NOT_UTF8",
  depth: "ST_DEPTH_LIMIT",
  token: "ST_TOKEN_LIMIT",
} as const satisfies Record<JsonProblem, ErrorCode>;

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
  if (problem !== null) throw notSafetensors(problem, head, source);
  const dataStart = PREFIX_BYTES + Number(announcedLength(head));

  const builder = new HeaderBuilder(file, dataStart);
  const lexer = new JsonLexer(
    builder,
    { maxDepth: MAX_DEPTH, maxKeyBytes: MAX_NAME_BYTES, maxStringBytes: MAX_STRING_BYTES },
    (kind, message) =>
      builder.begun
        ? new WeightmarkError(JSON_CODES[kind], `header: ${message}`, { file })
        : notSafetensors(
            { code: JSON_CODES[kind], message: `header: ${message}`, detail: NO_SAFETENSORS },
            head,
            source,
          ),
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
