import { type AddressedMatrix, addressOf } from "../../../rows/addressed-matrix.ts";
import type { HostModel } from "../../host/host-model.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { scaleRows, scalesFromRows } from "./column-scales.ts";
import { isSpreadMatrix } from "./matrices.ts";
import { MatrixFold, pieceRows } from "./matrix-fold.ts";
import type { ReadSpreadOptions } from "./read.ts";
import { spreadKeys } from "./spread-keys.ts";
import { emptySpreadSums, type SpreadSums, type SpreadUnits } from "./spread-units.ts";

/**
 * `readSpread` of a model that is read through a `HostModel`, for example a re-synchronised one. Blocks of equal weights
 * give equal bits; the sums over blocks are added in the order of `host.matrices`.
 */
export async function readHostSpread(
  host: HostModel,
  key: ModelKey,
  { onProgress, signal }: Pick<ReadSpreadOptions, "onProgress" | "signal"> = {},
): Promise<SpreadUnits> {
  const matrices = host.matrices.filter((one) => isSpreadMatrix(one) && key.covers(one.layer));
  const weights = matrices.reduce((n, { rows, cols }) => n + rows * cols, 0);
  const sums = emptySpreadSums();
  let done = 0;
  for (const matrix of matrices) {
    signal?.throwIfAborted();
    await addMatrix(matrix, key, sums);
    done += matrix.rows * matrix.cols;
    onProgress?.(done, weights);
  }
  return { ...sums, weights, matrices: new Map() };
}

async function addMatrix(matrix: AddressedMatrix, key: ModelKey, sums: SpreadSums): Promise<void> {
  const keys = spreadKeys(key, matrix.layer);
  const { rows, cols } = matrix;
  const address = addressOf(matrix);
  const runs = scaleRows(keys.rows, address, rows, cols);
  const sample = new Float32Array(runs.reduce((n, { count }) => n + count, 0) * cols);
  let at = 0;
  for (const { first, count } of runs) {
    sample.set(await matrix.read(first, count), at);
    at += count * cols;
  }
  const scales = scalesFromRows(sample, cols);
  const fold = new MatrixFold({ address, cols, scales, rowSigns: null, colSigns: null }, keys, sums, false);
  const step = pieceRows(cols * 4);
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const values = await matrix.read(first, count);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    fold.add({ first, count, dtype: "F32", fill: (target) => target.set(bytes) });
  }
}
