import { squareSums } from "../../../kernels/norms.ts";
import { DIRECTIONS, LEADING, type TokenDraws } from "./token-draws.ts";
import type { TokenMatrix } from "./token-matrix.ts";

/** About a hundred rows per direction; more would only take longer. */
const MAX_ROWS = 1024;
/** Elements of all reference rows together: 128 MiB. */
const MAX_ELEMENTS = 1 << 25;
/** Rows outside of [1 / FACTOR, FACTOR] times the typical length are padding or accidents. */
const LENGTH_FACTOR = 4;

/** The rows that decide directions, scale and centre. No mark is ever put into them. */
export interface Reference {
  /** tokens.length x cols, gain folded in, centred. */
  readonly rows: Float32Array;
  readonly tokens: Uint32Array;
  readonly mean: Float64Array;
  /** Squared lengths (gain folded in, centred) that a token must have to take part. */
  readonly squares: { readonly low: number; readonly high: number };
}

/** Reads and centres the reference rows; null when there are too few of them for directions. */
export async function readReference(matrix: TokenMatrix, draws: TokenDraws): Promise<Reference | null> {
  const { cols } = matrix;
  const limit = Math.min(MAX_ROWS, Math.floor(MAX_ELEMENTS / cols));
  const read = await gatherRows(matrix, draws.references.slice(0, limit));
  const tokens = read.tokens;
  if (tokens.length < DIRECTIONS + LEADING) return null;
  const rows = read.rows;
  const mean = columnMeans(rows, cols);
  for (let start = 0; start < rows.length; start += cols) {
    for (let c = 0; c < cols; c++) rows[start + c]! -= mean[c]!;
  }
  const sums = squareSums(rows, tokens.length, cols).rows;
  const middle = sums.slice().sort()[sums.length >> 1]!;
  if (!(middle > 0 && Number.isFinite(middle))) return null;
  const squares = { low: middle / LENGTH_FACTOR ** 2, high: middle * LENGTH_FACTOR ** 2 };
  for (let i = 0; i < tokens.length; i++) {
    if (!takesPart(sums[i]!, squares)) rows.fill(0, i * cols, (i + 1) * cols);
  }
  return { rows, tokens, mean, squares };
}

export function takesPart(square: number, { low, high }: Reference["squares"]): boolean {
  return square >= low && square <= high;
}

/** The rows of the given tokens with the gain folded in; tokens with a value that is no number are left out. */
async function gatherRows(
  matrix: TokenMatrix,
  wanted: Uint32Array,
): Promise<{ rows: Float32Array; tokens: Uint32Array }> {
  const { cols } = matrix;
  const tokens = wanted.slice().sort();
  const rows = new Float32Array(tokens.length * cols);
  let kept = 0;
  for (const token of tokens) {
    const row = withGain(await matrix.read(token, 1), matrix.gain);
    if (!row.every(Number.isFinite)) continue;
    rows.set(row, kept * cols);
    tokens[kept++] = token;
  }
  return { rows: rows.subarray(0, kept * cols), tokens: tokens.subarray(0, kept) };
}

/** Rows (any number of them, one after the other) times the gain, in place. */
export function withGain(rows: Float32Array, gain: Float32Array | null): Float32Array {
  if (gain !== null) {
    for (let start = 0; start < rows.length; start += gain.length) {
      for (let c = 0; c < gain.length; c++) rows[start + c]! *= gain[c]!;
    }
  }
  return rows;
}

function columnMeans(rows: Float32Array, cols: number): Float64Array {
  const mean = new Float64Array(cols);
  const count = rows.length / cols;
  for (let start = 0; start < rows.length; start += cols) {
    for (let c = 0; c < cols; c++) mean[c]! += rows[start + c]! / count;
  }
  return mean;
}
