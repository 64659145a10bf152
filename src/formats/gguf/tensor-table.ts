import { WeightmarkError } from "../../errors.ts";
import { type GgmlType, ggmlType } from "./ggml-type.ts";
import type { HeaderCursor } from "./header-cursor.ts";
import { MAX_DIMENSIONS, MAX_TENSORS } from "./limits.ts";
import { readName } from "./metadata.ts";

/** A tensor as the header lists it. */
export interface GgufTensor {
  /** Opaque and hostile: never a path, escaped on output. */
  readonly name: string;
  /** Number of its type in ggml. */
  readonly typeId: number;
  /** Undefined where the number is not known: then nobody can say what its bytes mean, nor how many there are. */
  readonly type: GgmlType | undefined;
  /** Slowest axis first, as everywhere here: [out, in]. GGUF lists the same the other way. */
  readonly shape: readonly number[];
  readonly elements: number;
  /** Offset from the beginning of the tensor data. */
  readonly offset: number;
}

/**
 * Reads the list of tensors.
 *
 * @throws GGUF_LIMIT, GGUF_TENSOR_INVALID, GGUF_BLOCK_MISFIT, GGUF_DUPLICATE_KEY, GGUF_TRUNCATED
 */
export async function readTensorTable(cursor: HeaderCursor, count: number): Promise<GgufTensor[]> {
  const { location: file } = cursor;
  if (count > MAX_TENSORS) throw new WeightmarkError("GGUF_LIMIT", `more than ${MAX_TENSORS} tensors`, { file });
  const tensors: GgufTensor[] = [];
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    const name = await readName(cursor, `the name of tensor ${i}`);
    const refused = (why: string) => new WeightmarkError("GGUF_TENSOR_INVALID", why, { file, tensor: name });
    // Programs in C would read such a name up to there, and take two for one.
    if (name.includes("\0")) throw refused("the name holds a NUL");
    if (names.has(name)) {
      throw new WeightmarkError("GGUF_DUPLICATE_KEY", "two tensors have this name", { file, tensor: name });
    }
    names.add(name);
    if (!cursor.has(4)) await cursor.need(4);
    const dimensions = cursor.u32();
    if (dimensions > MAX_DIMENSIONS) throw refused(`it has ${dimensions} dimensions, ggml has ${MAX_DIMENSIONS}`);
    const rest = dimensions * 8 + 4 + 8;
    if (!cursor.has(rest)) await cursor.need(rest);
    const shape: number[] = [];
    for (let d = 0; d < dimensions; d++) shape.unshift(cursor.size());
    const typeId = cursor.u32();
    const offset = cursor.size();
    const type = ggmlType(typeId);
    const elements = shape.reduce((product, n) => product * n, 1);
    // Bytes, for what is left of the product may be small where a dimension is 0.
    const isSafe = shape.every(Number.isSafeInteger) && Number.isSafeInteger(elements * 8);
    if (!isSafe) throw refused("its size cannot be held exactly");
    if (offset === Number.POSITIVE_INFINITY) throw refused("its offset cannot be held exactly");
    const row = shape.at(-1) ?? 1;
    if (type !== undefined && row % type.elements !== 0) {
      const why = `rows of ${row} are no whole blocks of ${type.elements}, as ${type.name} has`;
      throw new WeightmarkError("GGUF_BLOCK_MISFIT", why, { file, tensor: name });
    }
    tensors.push({ name, typeId, type, shape, elements, offset });
  }
  return tensors;
}
