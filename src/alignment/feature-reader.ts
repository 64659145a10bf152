import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { squareSums } from "../kernels/norms.ts";
import type { RowReader } from "../rows/row-reader.ts";
import type { BlockParts } from "./parts.ts";
import { NEURON_DIRECTIONS, packBits, project, scaleColumns } from "./projection.ts";
import { NEURON_WORDS } from "./reference.ts";

/** Signs of rows and columns that will be flipped before the weights are written. */
export interface Flips {
  readonly rowSigns: Int8Array | null;
  readonly colSigns: Int8Array | null;
}

const NO_FLIPS: Flips = { rowSigns: null, colSigns: null };
/** Values decoded at a time. */
const PIECE = 1 << 20;
const MAX_ROWS = 1024;

/** Calls `use` with all rows of a matrix in order, some at a time; what is not finite counts as 0. */
export async function forRows(
  reader: RowReader,
  matrix: CanonicalTensor,
  use: (values: Float32Array, first: number, count: number) => void,
  flips: Flips = NO_FLIPS,
): Promise<void> {
  const step = Math.max(1, Math.min(MAX_ROWS, Math.floor(PIECE / matrix.cols)));
  for (let first = 0; first < matrix.rows; first += step) {
    const count = Math.min(step, matrix.rows - first);
    const rows = Array.from({ length: count }, (_, i) => first + i);
    use(flipped(finite(await reader.rows(matrix, rows)), matrix.cols, first, flips), first, count);
  }
}

/** Up to `wanted` rows spread evenly over a matrix. */
export async function sampleRows(reader: RowReader, matrix: CanonicalTensor, wanted: number): Promise<Float32Array> {
  const count = Math.min(wanted, matrix.rows);
  const rows = Array.from({ length: count }, (_, i) => Math.floor((i * matrix.rows) / count));
  return finite(await reader.rows(matrix, rows));
}

/** All rows of a matrix seen from `directions` [n x cols]: rows x n. */
export async function projectMatrix(
  reader: RowReader,
  matrix: CanonicalTensor,
  directions: Float32Array,
  flips?: Flips,
): Promise<Float32Array> {
  const columns = directions.length / matrix.cols;
  const out = new Float32Array(matrix.rows * columns);
  const use = (values: Float32Array, first: number, count: number): void => {
    out.set(project(values, count, directions, matrix.cols), first * columns);
  };
  await forRows(reader, matrix, use, flips);
  return out;
}

/** What a suspect's neurons look like, in any order. */
export interface BlockFeatures {
  readonly neurons: number;
  readonly gated: boolean;
  /** As in `ReferenceBlock`. */
  readonly bits: Uint32Array;
  /** RMS of every row of up. */
  readonly strengths: Float32Array;
}

/** Null for a network without up rows, or whose gate does not belong to it. */
export async function blockFeatures(
  reader: RowReader,
  { gate, up }: BlockParts,
  directions: Float32Array,
  flipsOf: (matrix: CanonicalTensor) => Flips | undefined = () => undefined,
): Promise<BlockFeatures | null> {
  if (up === null || (gate !== null && gate.rows !== up.rows)) return null;
  const neurons = up.rows;
  const bits = new Uint32Array(neurons * NEURON_WORDS);
  const strengths = new Float32Array(neurons);
  const half = NEURON_DIRECTIONS / 2;
  const take = async (matrix: CanonicalTensor, directionCount: number, firstBit: number): Promise<void> => {
    const used = directions.subarray(firstBit * up.cols, (firstBit + directionCount) * up.cols);
    const use = (values: Float32Array, first: number, count: number): void => {
      packBits(project(values, count, used, up.cols), directionCount, bits, { row: first, firstBit });
      if (matrix !== up) return;
      const sums = squareSums(values, count, up.cols).rows;
      for (let i = 0; i < count; i++) strengths[first + i] = Math.sqrt(sums[i]! / up.cols);
    };
    await forRows(reader, matrix, use, flipsOf(matrix));
  };
  if (gate === null) await take(up, NEURON_DIRECTIONS, 0);
  else {
    await take(gate, half, 0);
    await take(up, half, half);
  }
  return { neurons, gated: gate !== null, bits, strengths };
}

/** The gain in front of a matrix folded into directions [n x cols]: a copy. */
export function withGain(directions: Float32Array, gain: Float32Array | null): Float32Array {
  const copy = directions.slice();
  return gain === null ? copy : scaleColumns(copy, finite(gain.slice()));
}

/** Zeros for NaN and infinities, in place: one such weight would reach every row of a product. */
export function finite(values: Float32Array): Float32Array {
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    // The difference is NaN for exactly the values that are not finite.
    if (x - x !== 0) values[i] = 0;
  }
  return values;
}

function flipped(values: Float32Array, cols: number, first: number, { rowSigns, colSigns }: Flips): Float32Array {
  if (rowSigns === null && colSigns === null) return values;
  for (let at = 0, row = first; at < values.length; at += cols, row++) {
    const sign = rowSigns?.[row] ?? 1;
    for (let j = 0; j < cols; j++) values[at + j]! *= sign * (colSigns?.[j] ?? 1);
  }
  return values;
}
