import { type ByteSource, isSync } from "../../bytes/byte-source.ts";
import { adaptedDecoder } from "../../decoding/adapted/row-change.ts";
import { decodedSource } from "../../decoding/decoded-source.ts";
import type { Part } from "../../decoding/decoder.ts";
import { WeightmarkError } from "../../errors.ts";
import type { CheckpointFile, CheckpointTensor } from "../checkpoint.ts";
import type { ChangedTensor } from "./changed-tensors.ts";

/** What the virtual file is called in messages. */
const MERGED = "merged weights";
const F32_BYTES = 4;

/**
 * Adds a virtual file in which the changed tensors stand as they are merged. Where a file lies far away all other tensors
 * stand in it as well: one source must be told of all that is read next, and two that share a file would drop what the other
 * fetched.
 *
 * @param tensors of the model, of which the changed ones are replaced
 * @throws ST_SIZE_OVERFLOW
 */
export function mergedFile(
  files: readonly CheckpointFile[],
  tensors: Map<string, CheckpointTensor>,
  changed: readonly ChangedTensor[],
): CheckpointFile {
  const sources: readonly ByteSource[] = files.map(({ source }) => source);
  const parts: Part[] = [];
  let begin = 0;
  const add = (tensor: CheckpointTensor, length: number): void => {
    const end = begin + length;
    if (!Number.isSafeInteger(end)) {
      throw new WeightmarkError("ST_SIZE_OVERFLOW", "with the tensors before it, more values than can be counted", {
        tensor: tensor.name,
      });
    }
    tensors.set(tensor.name, { ...tensor, begin, end, file: files.length });
    begin += Math.ceil(length / F32_BYTES) * F32_BYTES;
  };
  for (const { tensor, matrix, change, what } of changed) {
    const elements = matrix.rows * matrix.cols;
    parts.push({ begin, elements, decoder: adaptedDecoder(matrix, change) });
    const scheme = tensor.scheme === undefined ? what : `${tensor.scheme} with ${what}`;
    add({ ...tensor, dtype: "F32", scheme }, elements * F32_BYTES);
  }
  if (!sources.every(isSync)) {
    const merged = new Set(changed.map(({ tensor }) => tensor.name));
    for (const tensor of [...tensors.values()]) {
      if (merged.has(tensor.name)) continue;
      const { begin: start, end, file } = tensor;
      parts.push({ begin, stored: { file, start, end } });
      add(tensor, end - start);
    }
  }
  // Its files are those of the model, which are closed with it.
  const source = { ...decodedSource(parts, sources, MERGED), close: async () => {} };
  return { path: MERGED, absolutePath: null, source, storedBytes: 0 };
}
