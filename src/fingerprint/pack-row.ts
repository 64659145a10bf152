import { packSigns, packZeros } from "../kernels/bits.ts";

/** Signs of the rows of a matrix, each row from a word of its own. */
export interface PackedSigns {
  /** Bit j is 1 where value j is negative. */
  readonly negative: Uint32Array;
  /** Bit j is 1 where value j has no sign; it is 0 in `negative` then. */
  readonly ties: Uint32Array;
}

/**
 * Signs of rows of `cols` values times a gain. A gain that is zero, or no number, leaves nothing of a sign. By kernels: the
 * signs of weights are coin flips, and a branch on each would be mispredicted half the time.
 */
export function packRows(values: Float32Array, cols: number, gain: Float32Array | null): PackedSigns {
  const words = Math.ceil(cols / 32);
  const { negative, ties } = cols % 32 === 0 ? packTogether(values) : packApart(values, cols);
  if (gain === null) return { negative, ties };
  const turned = packTogether(gain);
  // No number is neither above nor below zero.
  for (let j = 0; j < cols; j++) if (Number.isNaN(gain[j])) turned.ties[j >>> 5]! |= 1 << (j & 31);
  for (let i = 0; i < negative.length; i += words) {
    for (let w = 0; w < words; w++) {
      ties[i + w]! |= turned.ties[w]!;
      negative[i + w] = (negative[i + w]! ^ turned.negative[w]!) & ~ties[i + w]!;
    }
  }
  return { negative, ties };
}

function packTogether(values: Float32Array): PackedSigns {
  return { negative: packSigns(values), ties: packZeros(values) };
}

function packApart(values: Float32Array, cols: number): PackedSigns {
  const words = Math.ceil(cols / 32);
  const rows = values.length / cols;
  const negative = new Uint32Array(rows * words);
  const ties = new Uint32Array(rows * words);
  for (let i = 0; i < rows; i++) {
    const row = packTogether(values.subarray(i * cols, (i + 1) * cols));
    negative.set(row.negative, i * words);
    ties.set(row.ties, i * words);
  }
  return { negative, ties };
}

/** Whether row i of `cols` values says something about labels: finite values, and not all the same. */
export function isUsable(values: Float32Array, i: number, cols: number): boolean {
  const from = i * cols;
  const end = from + cols;
  for (let k = from; k < end; k++) if (!(Math.abs(values[k]!) < Number.POSITIVE_INFINITY)) return false;
  const first = values[from]!;
  for (let k = from + 1; k < end; k++) if (values[k]! !== first) return true;
  return false;
}
