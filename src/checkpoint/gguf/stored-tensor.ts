import { blockLevels } from "../../decoding/ggml/block-levels.ts";
import { blockDecoder } from "../../decoding/ggml/decode-blocks.ts";
import { isUnit, type StoredRows } from "../../decoding/ggml/tensor-decoder.ts";
import type { PlacedTensor } from "../../formats/gguf/header.ts";
import type { Dtype } from "../../formats/tensor-info.ts";

/** A tensor of one of the files of a model. */
export interface StoredTensor extends PlacedTensor {
  readonly file: number;
  readonly littleEndian: boolean;
}

/** Types that are read as they stand, and what safetensors calls them. */
const PLAIN: ReadonlyMap<string, Dtype> = new Map<string, Dtype>(
  (["F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64"] as const).map((name) => [name, name]),
);

/** The element type of a tensor whose bytes may be taken as they are, else null. */
export function plainDtype({ type, littleEndian }: StoredTensor): Dtype | null {
  const dtype = type === undefined ? undefined : PLAIN.get(type.name);
  return dtype !== undefined && (littleEndian || dtype === "I8") ? dtype : null;
}

/**
 * The rows of a tensor, or of a part of it, as they are decoded; null where nobody knows how.
 *
 * @param first number of the first row
 */
export function storedRows(tensor: StoredTensor, first = 0): StoredRows | null {
  const { type, shape, file, begin, littleEndian } = tensor;
  if (type === undefined) return null;
  const decode = blockDecoder(type.name, type.bytes, littleEndian);
  if (decode === null) return null;
  const columns = shape.length < 2 ? type.elements : shape.at(-1)!;
  const { elements: blockElements, bytes: blockBytes } = type;
  const offset = first * (columns / blockElements) * blockBytes;
  const levels = blockLevels(type.name, decode);
  return { file, begin: begin + offset, columns, blockElements, blockBytes, decode, levels };
}

/** The same of a matrix, or of a vector as a matrix of one column, where rows can be taken apart. */
export function separableRows(tensor: StoredTensor): StoredRows | null {
  const { shape, type } = tensor;
  const isMatrix = shape.length === 2 && isUnit(shape[1]!);
  const isVector = shape.length === 1 && type?.elements === 1;
  return isMatrix || isVector ? storedRows(tensor) : null;
}

/** What a type is called, for people. */
export function typeName({ type, typeId }: PlacedTensor): string {
  return type?.name ?? `number ${typeId}`;
}
