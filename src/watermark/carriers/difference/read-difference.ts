import type { Checkpoint } from "../../../checkpoint/checkpoint.ts";
import { BLOCK_COLUMNS, blocksOf } from "../../../kernels/coins.ts";
import { LEAST_SQUARE } from "../../../kernels/correlate.ts";
import { matmul } from "../../../kernels/matmul.ts";
import { squareSums } from "../../../kernels/norms.ts";
import { leadingSpaces, type Spaces, timesTransposed, transpose } from "../../../numerics/leading-spaces.ts";
import type { Address } from "../../../rows/addressed-matrix.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { blockSums } from "./block-sums.ts";
import { type CoinRows, coinRows } from "./coin-rows.ts";
import { type DeltaMatrix, type DeltaTile, deltaMatrices, held } from "./delta-matrix.ts";
import { addBlock, emptyPart, type PartName, type PartSums } from "./part-sums.ts";
import { subspaceRank } from "./subspace-rank.ts";

export interface ReadDifferenceOptions {
  /** Every matrix of the model must be there, and what planning needs is kept. @default false */
  readonly forMarking?: boolean;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Matrices that are read. @default all */
  readonly only?: ((matrix: Address) => boolean) | undefined;
}

/** What is known of one changed matrix, for planning. */
export interface DeltaFacts {
  readonly matrix: DeltaMatrix;
  /** RMS of the difference. */
  readonly rms: number;
  /** null where the matrix is too narrow for any. */
  readonly spaces: Spaces | null;
  /** RMS of what the difference has in its leading spaces. */
  readonly leadingRms: number;
}

export interface DifferenceSums {
  readonly full: PartSums;
  readonly subspace: PartSums;
  /** Changed matrices, in order of address; empty unless for marking. */
  readonly facts: readonly DeltaFacts[];
  readonly changed: number;
  readonly unchanged: number;
  /** Weights in changed matrices. */
  readonly weights: number;
}

/** Fewer weights than one in a thousand differ: a few edited rows, or rounding. Nothing is read there and nothing marked. */
const MIN_CHANGED = 1e-3;

/**
 * Correlates Delta = model - base with the key, matrix by matrix, in two halves: "difference" with all of Delta over its
 * RMS, "subspace" with T Delta over its RMS, where T keeps what lies in Delta's leading singular spaces. Both are sums
 * of coin times a function of the weights, so both are Rademacher sums under H0, and their coins are independent.
 *
 * @throws BASE_MISMATCH
 */
export async function readDifference(
  checkpoint: Checkpoint,
  base: Checkpoint,
  key: ModelKey,
  options: ReadDifferenceOptions = {},
): Promise<DifferenceSums> {
  const forMarking = options.forMarking ?? false;
  const { only } = options;
  const common = deltaMatrices(checkpoint, base, { whole: forMarking });
  const matrices = common.filter(({ view }) => key.covers(view.layer) && (only?.(view) ?? true));
  const rank = subspaceRank(deltaMatrices(base, base, { whole: false }));
  const full = emptyPart("difference");
  const subspace = emptyPart("subspace");
  const facts: DeltaFacts[] = [];
  let [changed, weights, block, done] = [0, 0, 0, 0];
  for (const stored of matrices) {
    options.signal?.throwIfAborted();
    const matrix = await held(stored);
    const { rows, cols } = matrix;
    const rms = await differenceRms(matrix);
    if (rms > 0) {
      const own = Math.min(rank, Math.floor(Math.min(rows, cols) / 4));
      const spaces = own > 0 ? await leadingSpaces(matrix, own) : null;
      const leadingRms = await correlate(matrix, { full, subspace }, spaces, rms, key, block);
      changed += 1;
      weights += rows * cols;
      if (forMarking) facts.push({ matrix: stored, rms, spaces, leadingRms });
    }
    // Numbers of blocks do not depend on which matrices changed.
    block += rows * blocksOf(cols);
    options.onProgress?.(++done, matrices.length);
  }
  return { full, subspace, facts, changed, unchanged: matrices.length - changed, weights };
}

/** 0 for a matrix that did not change, or whose difference is no number. */
async function differenceRms(matrix: DeltaMatrix): Promise<number> {
  const { rows, cols } = matrix;
  let energy = 0;
  let different = 0;
  for await (const { values, count } of matrix.tiles()) {
    for (const sum of squareSums(values, count, cols).rows) energy += sum;
    for (let i = 0; i < values.length; i++) if (values[i] !== 0) different += 1;
  }
  const rms = Math.sqrt(energy / (rows * cols));
  return different >= MIN_CHANGED * rows * cols && Number.isFinite(rms) ? rms : 0;
}

/** The keystreams of one half on one matrix. */
export function partCoins(key: ModelKey, part: PartName, { address, cols, view }: DeltaMatrix): CoinRows {
  const { coinKey, mapKey } = partKeys(key, part, view.layer);
  return coinRows(coinKey, mapKey, address, cols);
}

export function partKeys(
  key: ModelKey,
  part: PartName,
  layer: number,
): { readonly coinKey: Uint8Array; readonly mapKey: Uint8Array } {
  return { coinKey: key.layerSubkey(`${part}/coins`, layer), mapKey: key.layerSubkey(`${part}/map`, layer) };
}

/** Adds the blocks of one matrix to both halves; the RMS of its leading part. */
async function correlate(
  matrix: DeltaMatrix,
  parts: { readonly full: PartSums; readonly subspace: PartSums },
  spaces: Spaces | null,
  rms: number,
  key: ModelKey,
  firstBlock: number,
): Promise<number> {
  const { rows, cols } = matrix;
  const fullCoins = partCoins(key, "difference", matrix);
  for await (const tile of matrix.tiles()) addTile(parts.full, fullCoins, tile, cols, 1 / rms, firstBlock);
  if (spaces === null) return 0;

  // The rows of `right` diagonalise left^T Delta, so P_L D + D P_R - P_L D P_R = D P_R = (D right^T) right.
  const { rank, right } = spaces;
  const left = transpose(await timesTransposed(matrix, right), rank, rows);
  const energy = squareSums(left, rows, rank).rows.reduce((a, b) => a + b, 0);
  const leadingRms = Math.sqrt(energy / (rows * cols));
  if (!(leadingRms > 0)) return 0;
  const coins = partCoins(key, "subspace", matrix);
  const step = Math.max(1, Math.floor((1 << 20) / cols));
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const rowsOf = left.subarray(first * rank, (first + count) * rank);
    const values = matmul(rowsOf, right, { rows: count, depth: rank, columns: cols });
    addTile(parts.subspace, coins, { first, count, values }, cols, 1 / leadingRms, firstBlock);
  }
  return leadingRms;
}

function addTile(
  part: PartSums,
  coins: CoinRows,
  { first, count, values }: DeltaTile,
  cols: number,
  scale: number,
  firstBlock: number,
): void {
  const blocks = blocksOf(cols);
  const places = coins.places(first, count);
  const sums = blockSums(values, count, cols, coins.coins(first, count));
  for (let i = 0; i < count * blocks; i++) {
    const width = Math.min(BLOCK_COLUMNS, cols - BLOCK_COLUMNS * (i % blocks));
    const block = firstBlock + first * blocks + i;
    // Whether a block counts depends on its squares, never on its coins; NaN counts, so that its chip is given up.
    const counts = !(sums[2 * i + 1]! < width * LEAST_SQUARE);
    const [value, square] = counts ? [sums[2 * i]! * scale, sums[2 * i + 1]! * scale * scale] : [0, 0];
    addBlock(part, places[i]!, block, value, square, width);
  }
}
