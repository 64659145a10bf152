import type { ByteSource } from "../../bytes/byte-source.ts";
import { decodedSource } from "../../decoding/decoded-source.ts";
import type { Part } from "../../decoding/decoder.ts";
import { placeLevels } from "../../decoding/level-parts.ts";
import { WeightmarkError } from "../../errors.ts";
import { type GgufHeader, readGgufHeader } from "../../formats/gguf/header.ts";
import { MAX_TENSORS } from "../../formats/gguf/limits.ts";
import { DTYPE_BITS } from "../../formats/tensor-info.ts";
import { type Assembly, type Reading, sourceOf } from "../assembly.ts";
import type { Checkpoint } from "../checkpoint.ts";
import type { ModelFolder } from "../model-folder.ts";
import { numberedShard } from "../numbered-shards.ts";
import { configOf, fileTypeOf } from "./model-facts.ts";
import { planTensors } from "./plan.ts";
import { requireParts } from "./split.ts";
import type { StoredTensor } from "./stored-tensor.ts";
import type { VirtualTensor } from "./virtual-tensor.ts";
import { vocabularyIn } from "./vocabulary.ts";

/** What a model of GGUF brings beside its tensors. */
export type GgufFacts = Pick<Checkpoint, "config" | "fileType" | "ownTokenizer">;

interface OpenedPart {
  readonly source: ByteSource;
  readonly header: GgufHeader;
  /** What messages call it. */
  readonly file: string;
}

/**
 * Adds a model that is stored as GGUF, in one file or in numbered parts: one virtual file, in which tensors stand as Hugging Face
 * has them.
 *
 * @param names of the files in order
 * @throws the GGUF_* codes, DUPLICATE_TENSOR, what `folder.open` throws; files that are in the assembly stay open then
 */
export async function addGguf(
  to: Assembly,
  folder: ModelFolder,
  names: readonly string[],
  reading: Reading,
): Promise<GgufFacts> {
  const parts: OpenedPart[] = [];
  for (const name of names) {
    const opened = await folder.open(name).catch((error) => {
      throw missingPart(error, name, folder) ?? error;
    });
    const source = sourceOf(opened, reading);
    // Before the header is read, so that a refusal closes it with the others.
    to.files.push({ path: name, absolutePath: opened.absolutePath, source });
    parts.push({ source, header: await readGgufHeader(source), file: folder.shown(name) });
  }
  to.container = "gguf";
  requireParts(parts);
  const [first] = parts;
  const { metadata } = first!.header;
  const { tensors, notes } = planTensors(storedIn(parts), metadata, first!.file);
  to.notes.push(...notes);
  const source = addVirtual(to, tensors, parts);
  const storedBytes = parts.reduce((sum, part) => sum + part.source.size, 0);
  // Parts that lie in a cache may be called anything: of one of them the others would not be found.
  const path = parts.length === 1 ? to.files[0]!.absolutePath : null;
  const virtualOf = path === null ? {} : { virtualOf: { path, config: false } };
  to.files.splice(0, to.files.length, { path: names[0]!, absolutePath: null, source, storedBytes, ...virtualOf });
  return {
    config: configOf(metadata),
    fileType: fileTypeOf(metadata),
    ownTokenizer: () => vocabularyIn(first!.source, first!.header),
  };
}

const ABSENT = new Set(["FILE_NOT_FOUND", "HTTP_NOT_FOUND", "HTTP_FORBIDDEN", "HTTP_UNAUTHORIZED"]);

/** Of a part that another one counts and nobody has, where nothing can be listed. */
function missingPart(error: unknown, name: string, folder: ModelFolder): WeightmarkError | null {
  if (!(error instanceof WeightmarkError) || !ABSENT.has(error.code) || numberedShard(name) === null) return null;
  return new WeightmarkError("SHARD_MISSING", `${JSON.stringify(name)} is not there, or not shown`, {
    file: folder.shown(name),
    detail: "Name an address whose other parts can be read as well, or download all of them.",
    cause: error,
  });
}

/** @throws DUPLICATE_TENSOR, GGUF_LIMIT */
function storedIn(parts: readonly OpenedPart[]): Map<string, StoredTensor> {
  const stored = new Map<string, StoredTensor>();
  for (const [file, { header, file: shown }] of parts.entries()) {
    for (const tensor of header.tensors) {
      if (stored.has(tensor.name)) {
        throw new WeightmarkError("DUPLICATE_TENSOR", "the tensor stands in another part as well", {
          file: shown,
          tensor: tensor.name,
        });
      }
      if (stored.size === MAX_TENSORS) {
        throw new WeightmarkError("GGUF_LIMIT", `more than ${MAX_TENSORS} tensors in one model`, { file: shown });
      }
      stored.set(tensor.name, { ...tensor, file, littleEndian: header.littleEndian });
    }
  }
  return stored;
}

const ALIGNMENT = 8;

/** Lays the tensors of a virtual file one behind the other, and adds them to the assembly. */
function addVirtual(to: Assembly, tensors: readonly VirtualTensor[], files: readonly OpenedPart[]): ByteSource {
  const parts: Part[] = [];
  let begin = 0;
  for (const { name, dtype, shape, elements, scheme, content } of tensors) {
    const end = begin + (elements * DTYPE_BITS[dtype]) / 8;
    if (!Number.isSafeInteger(end)) {
      throw new WeightmarkError("GGUF_LIMIT", "all values together cannot be counted", { file: files[0]!.file });
    }
    parts.push(
      "decoder" in content ? { begin, elements, decoder: content.decoder } : { begin, stored: content.stored },
    );
    const tensor = { name, dtype, shape, begin, end, file: 0 };
    to.tensors.set(name, scheme === null ? tensor : { ...tensor, scheme });
    begin = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
  }
  const rounded = tensors.map(({ elements, content }) => {
    return { elements, levels: "decoder" in content ? content.decoder.levels : undefined };
  });
  for (const [i, levels] of placeLevels(parts, rounded, begin).entries()) {
    const { name } = tensors[i]!;
    if (levels !== undefined) to.tensors.set(name, { ...to.tensors.get(name)!, levels });
  }
  return decodedSource(
    parts,
    files.map(({ source }) => source),
    files[0]!.file,
  );
}
