import { matmul } from "../../../kernels/matmul.ts";
import type { DifferenceEdit } from "../../host/tensor-edit.ts";
import { coinRows, signedAmplitudes } from "./coin-rows.ts";

/**
 * What the mark adds to rows [first, first + count) of the matrix of `address`, count x cols. The coefficients of the
 * low-rank part are those of these rows alone.
 */
export function differenceRows(
  address: string,
  cols: number,
  { coinKey, mapKey, amplitudes, shaped }: DifferenceEdit,
  first: number,
  count: number,
): Float32Array {
  const source = coinRows(coinKey, mapKey, address, cols);
  const full = signedAmplitudes(source, amplitudes, cols, first, count);
  const { rank, coefficients, directions } = shaped;
  const low = matmul(coefficients, directions, { rows: count, depth: rank, columns: cols });
  for (let i = 0; i < full.length; i++) full[i]! += low[i]!;
  return full;
}
