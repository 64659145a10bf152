import { type ByteSource, canPrefetch } from "../../bytes/byte-source.ts";
import { allOf, type Factor, type FactorMemory, rangeOfAll } from "../../decoding/adapted/factor.ts";
import { adaptedDecoder, type RowChange, type StoredMatrix } from "../../decoding/adapted/row-change.ts";
import { columnMagnitudes } from "../../decoding/adapted/scalings.ts";
import { decodedSource } from "../../decoding/decoded-source.ts";
import { PIECE_ELEMENTS } from "../../decoding/decoder.ts";

const F32_BYTES = 4;

/**
 * DoRA where outputs are columns of what is stored (embeddings, GPT-2's linears): how long each is without it takes a pass over
 * the whole matrix, which is made here, once and in pieces.
 *
 * @param change without magnitudes
 * @param magnitudes a number for each column
 */
export async function columnChange(
  matrix: StoredMatrix,
  change: RowChange,
  magnitudes: Factor,
  read: {
    readonly sources: readonly ByteSource[];
    readonly memory: FactorMemory;
    readonly signal: AbortSignal | undefined;
  },
): Promise<RowChange> {
  const { rows, cols } = matrix;
  const { sources, memory, signal } = read;
  const part = { begin: 0, elements: rows * cols, decoder: adaptedDecoder(matrix, change) };
  const changed = decodedSource([part], sources, "weights that are being merged");
  const squares = new Float64Array(cols);
  const step = Math.max(1, Math.floor(PIECE_ELEMENTS / cols));
  for (let row = 0; row < rows; row += step) {
    signal?.throwIfAborted();
    const [start, end] = [row, Math.min(rows, row + step)].map((at) => at * cols * F32_BYTES) as [number, number];
    if (canPrefetch(changed)) await changed.prefetch([{ start, end }], signal);
    const bytes = await changed.read(start, end);
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / F32_BYTES);
    for (let i = 0; i < values.length; i += cols) for (let j = 0; j < cols; j++) squares[j]! += values[i + j]! ** 2;
  }
  const { file, start, end } = rangeOfAll(magnitudes);
  const lengths = allOf(magnitudes, await sources[file]!.read(start, end), memory);
  return columnMagnitudes(
    change,
    squares.map((sum, j) => lengths[j]! / Math.sqrt(sum)),
  );
}
