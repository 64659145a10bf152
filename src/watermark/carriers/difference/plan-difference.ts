import { matmul } from "../../../kernels/matmul.ts";
import type { DifferenceEdit, LowRankEdit, TensorEdit, ViewEdit } from "../../host/tensor-edit.ts";
import { viewEdit } from "../../host/view-edit.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { chipMoves } from "../../message/chip-moves.ts";
import type { PayloadClass } from "../../message/payload-class.ts";
import { signedAmplitudes } from "./coin-rows.ts";
import type { DeltaMatrix } from "./delta-matrix.ts";
import type { Spaces } from "./leading-spaces.ts";
import { classSums, type PartSums, partReading } from "./part-sums.ts";
import { type DeltaFacts, type DifferenceSums, partCoins, partKeys } from "./read-difference.ts";

/** What one half is to say: +1 or -1 per chip of the class. */
export interface PartSymbols {
  readonly payloadClass: PayloadClass;
  readonly symbols: Int8Array;
}

export interface PartPlan {
  /** Value of a chip times its symbol after marking, to first order. */
  readonly alpha: number;
  /** Statistic over all chips after marking: alpha sqrt(chips). */
  readonly statistic: number;
}

export interface DifferencePlan {
  readonly edits: ReadonlyMap<string, TensorEdit>;
  readonly full: PartPlan;
  readonly subspace: PartPlan;
  /** RMS of the change over RMS of the difference, in every marked matrix, before rounding. */
  readonly rms: number;
}

const ROWS_AT_ONCE = 256;

/**
 * The first quarter of the leading directions is marked twice as strongly as the rest: a low rank is what most people
 * extract, and what noise spares. Costs 5 % of the statistic at full rank, gains half of it at a quarter.
 */
const INNER = 4;

/**
 * The change of RMS `strength` (.01 to .03) relative to the difference in every changed matrix: half of the energy along
 * the coins of "difference", half along T of the coins of "subspace". `sums` were read for marking. Null when one of the
 * halves does not fit. First order: what T itself turns by is left out.
 */
export async function planDifference(
  sums: DifferenceSums,
  full: PartSymbols,
  subspace: PartSymbols,
  key: ModelKey,
  strength: number,
): Promise<DifferencePlan | null> {
  const usable = sums.facts.filter(({ spaces, leadingRms }) => spaces !== null && leadingRms > 0);
  const energy = strength ** 2 / 2;
  const fullMoves = movesOf(sums.full, full, energy * sums.weights, 1);
  const response = meanResponse(usable);
  const subspaceMoves = movesOf(sums.subspace, subspace, energy * weightsOf(usable), response);
  if (fullMoves === null || subspaceMoves === null) return null;

  const views = new Map<string, { tensor: string; views: ViewEdit[] }>();
  const keys = partKeys(key, "difference");
  const ditherKey = key.subkey("difference/dither");
  for (const one of sums.facts) {
    const { matrix, rms } = one;
    const amplitudes = fullMoves.perWeight.map((step) => step * rms);
    const shaped = shapedEdit(one, subspaceMoves.perWeight, key, ditherKey);
    const difference: DifferenceEdit = { ...keys, chips: amplitudes.length, amplitudes, shaped };
    const { tensor } = matrix.view;
    const edit = views.get(tensor) ?? { tensor, views: [] };
    edit.views.push({ ...viewEdit(matrix.view), difference });
    views.set(tensor, edit);
  }
  return {
    edits: new Map([...views].map(([tensor, edit]) => [tensor, { ...edit, vectorSigns: null }])),
    full: fullMoves.plan,
    subspace: subspaceMoves.plan,
    rms: strength,
  };
}

/** Steps of the weights of every chip, in units of the matrix's RMS; `response` is what a unit step adds to a unit value. */
function movesOf(
  part: PartSums,
  { payloadClass, symbols }: PartSymbols,
  energy: number,
  response: number,
): { readonly perWeight: Float64Array; readonly plan: PartPlan } | null {
  if (!(response > 0)) return null;
  const { counts } = classSums(part, payloadClass);
  const costs = counts.map((count) => (count > 0 ? 1 / response ** 2 : 0));
  const moves = chipMoves(partReading(part, payloadClass).values, symbols, costs, energy, payloadClass);
  if (moves === null) return null;
  return {
    perWeight: moves.distances.map((d, i) => (counts[i]! > 0 ? d / (Math.sqrt(counts[i]!) * response) : 0)),
    plan: { alpha: moves.alpha, statistic: moves.alpha * Math.sqrt(symbols.length) },
  };
}

/** Share of the dimensions of a matrix that lie in the tangent space T of two spaces of the given rank. */
function tangentShare({ matrix: { rows, cols } }: DeltaFacts, rank: number): number {
  return (rank * (rows + cols - rank)) / (rows * cols);
}

/**
 * What is left of unit coins: `energy`, mean square of T + T_inner of them, and `overlap`, their mean product with the coins.
 * T_inner is a projection within T, so |T + T_inner|^2 = |T|^2 + 3 |T_inner|^2.
 */
function shaping(one: DeltaFacts): { readonly energy: number; readonly overlap: number } {
  const rank = one.spaces!.rank;
  const [all, inner] = [tangentShare(one, rank), tangentShare(one, innerRank(rank))];
  return { energy: all + 3 * inner, overlap: all + inner };
}

function innerRank(rank: number): number {
  return Math.floor(rank / INNER);
}

/** What a step of one RMS of Delta per weight, after shaping, adds to a unit's value: the reader divides by the leading RMS. */
function meanResponse(facts: readonly DeltaFacts[]): number {
  let sum = 0;
  for (const one of facts) {
    const { rows, cols } = one.matrix;
    const { energy, overlap } = shaping(one);
    sum += (rows * cols * overlap * one.rms) / (Math.sqrt(energy) * one.leadingRms);
  }
  return sum / Math.max(1, weightsOf(facts));
}

function weightsOf(facts: readonly DeltaFacts[]): number {
  return facts.reduce((sum, { matrix: { rows, cols } }) => sum + rows * cols, 0);
}

/**
 * T + T_inner of the signed amplitudes D as factors: T D = left G + F right with G = left^T D, F = D right^T - left G right^T,
 * and the same on the first rows of left and right for T_inner.
 */
function shapedEdit(one: DeltaFacts, perWeight: Float64Array, key: ModelKey, ditherKey: Uint8Array): LowRankEdit {
  const { matrix, spaces, rms, leadingRms } = one;
  const { rows, cols } = matrix;
  if (spaces === null || !(leadingRms > 0)) {
    return { rank: 1, coefficients: new Float32Array(rows), directions: new Float32Array(cols), ditherKey };
  }
  const scale = rms / Math.sqrt(shaping(one).energy);
  const amplitudes = perWeight.map((step) => step * scale);
  const { rank, left, right } = spaces;
  const inner = innerRank(rank);
  const { fromLeft, fromRight } = project(matrix, spaces, amplitudes, key);
  const core = matmul(fromLeft, right, { rows: rank, depth: cols, columns: rank, transposedB: true });
  const coefficients = new Float32Array(rows * 2 * rank);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < rank; k++) {
      let [whole, within] = [fromRight[i * rank + k]!, fromRight[i * rank + k]!];
      for (let l = 0; l < rank; l++) {
        const twice = left[l * rows + i]! * core[l * rank + k]!;
        whole -= twice;
        if (l < inner) within -= twice;
      }
      const isInner = k < inner;
      coefficients[i * 2 * rank + k] = left[k * rows + i]! * (isInner ? 2 : 1);
      coefficients[i * 2 * rank + rank + k] = isInner ? whole + within : whole;
    }
  }
  const directions = new Float32Array(2 * rank * cols);
  directions.set(fromLeft);
  directions.set(right, rank * cols);
  return { rank: 2 * rank, coefficients, directions, ditherKey };
}

/** left^T D [rank x cols] and D right^T [rows x rank] of the signed amplitudes D. */
function project(
  matrix: DeltaMatrix,
  { rank, left, right }: Spaces,
  amplitudes: Float64Array,
  key: ModelKey,
): { readonly fromLeft: Float32Array; readonly fromRight: Float32Array } {
  const { rows, cols } = matrix;
  const coins = partCoins(key, "subspace", matrix);
  const fromLeft = new Float32Array(rank * cols);
  const fromRight = new Float32Array(rows * rank);
  for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
    const count = Math.min(ROWS_AT_ONCE, rows - first);
    const d = signedAmplitudes(coins, amplitudes, cols, first, count);
    const part = new Float32Array(rank * count);
    for (let k = 0; k < rank; k++) part.set(left.subarray(k * rows + first, k * rows + first + count), k * count);
    const product = matmul(part, d, { rows: rank, depth: count, columns: cols });
    for (let i = 0; i < fromLeft.length; i++) fromLeft[i]! += product[i]!;
    fromRight.set(matmul(d, right, { rows: count, depth: cols, columns: rank, transposedB: true }), first * rank);
  }
  return { fromLeft, fromRight };
}
