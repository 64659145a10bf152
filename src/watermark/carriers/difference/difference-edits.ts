import { matmul } from "../../../kernels/matmul.ts";
import type { Spaces } from "../../../numerics/leading-spaces.ts";
import type { DifferenceEdit, LowRankEdit, TensorEdit, ViewEdit } from "../../host/tensor-edit.ts";
import { viewEdit } from "../../host/view-edit.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { signedAmplitudes } from "./coin-rows.ts";
import type { DeltaMatrix } from "./delta-matrix.ts";
import type { Steps } from "./half-carriers.ts";
import { type DeltaFacts, type DifferenceSums, partCoins, partKeys } from "./read-difference.ts";
import { innerRank, shaping } from "./shaping.ts";

const ROWS_AT_ONCE = 256;

/** What both halves do, one edit per stored tensor. @param sums read for marking */
export function differenceEdits(
  sums: DifferenceSums,
  { full, subspace }: { readonly full: Steps; readonly subspace: Steps },
  key: ModelKey,
): Map<string, TensorEdit> {
  const views = new Map<string, { tensor: string; views: ViewEdit[] }>();
  const ditherKey = key.subkey("difference/dither");
  for (const one of sums.facts) {
    const { matrix, rms } = one;
    const keys = partKeys(key, "difference", matrix.view.layer);
    const amplitudes = full.map((step) => step * rms);
    const shaped = shapedEdit(one, subspace, key, ditherKey);
    const difference: DifferenceEdit = { ...keys, chips: amplitudes.length, amplitudes, shaped };
    const { tensor } = matrix.view;
    const edit = views.get(tensor) ?? { tensor, views: [] };
    edit.views.push({ ...viewEdit(matrix.view), difference });
    views.set(tensor, edit);
  }
  return new Map([...views].map(([tensor, edit]) => [tensor, { ...edit, vectorSigns: null }]));
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
