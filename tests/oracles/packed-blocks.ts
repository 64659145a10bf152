/** (table[code] - zero) * scale + bias of codes of 4 bits: f64, rounded once. */
export function nibblesPlain(
  codes: readonly number[],
  table: Float32Array,
  { size, scales, zeros, biases }: NumbersOfBlocks,
): Float32Array {
  return Float32Array.from(codes, (code, i) => {
    const block = Math.floor(i / size);
    const value = (table[code]! - (zeros?.[block] ?? 0)) * scales[block]!;
    return biases === null ? value : value + biases[block]!;
  });
}

export interface NumbersOfBlocks {
  readonly size: number;
  readonly scales: Float32Array;
  readonly zeros: Float32Array | null;
  readonly biases: Float32Array | null;
}

/** The bits of an AWQ word at which each of its rows lies. */
const AWQ_SHIFTS = [0, 16, 4, 20, 8, 24, 12, 28];

/** The code of a row and an input of a linear whose codes of 4 bits stand upright. */
export function uprightCode(words: Uint32Array, packed: "inputs" | "rows", rows: number, row: number, input: number) {
  if (packed === "inputs") return (words[Math.floor(input / 8) * rows + row]! >>> (4 * (input % 8))) & 15;
  return (words[input * (rows / 8) + Math.floor(row / 8)]! >>> AWQ_SHIFTS[row % 8]!) & 15;
}
