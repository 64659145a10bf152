import type { ByteSource } from "../../../bytes/byte-source.ts";
import { openFileSource } from "../../../bytes/file-source.ts";
import { DTYPE_BITS } from "../../../formats/tensor-info.ts";
import { type StoredMatrix, StoredRows } from "../../host/stored-rows.ts";
import { scaleRows, scalesFromRows } from "./column-scales.ts";
import { MatrixFold, pieceRows } from "./matrix-fold.ts";
import type { SpreadKeys } from "./spread-keys.ts";
import { emptySpreadSums, type SpreadSums } from "./spread-units.ts";

/** Rows of one matrix to be read by one worker. */
export interface MatrixTask extends StoredMatrix {
  readonly address: string;
  readonly layer: number;
  /** Rows [first, first + count) are this task's. */
  readonly first: number;
  readonly count: number;
  /** Signs that the matrix is read with, of all rows and columns; null where none changes. */
  readonly rowSigns: Int8Array | null;
  readonly colSigns: Int8Array | null;
  readonly keys: SpreadKeys;
}

/** Matrices of one file, for one worker: plain data, since it crosses threads. */
export interface SpreadTask {
  readonly file: number;
  /** Opened again by the worker; null when the bytes are not in a local file. */
  readonly path: string | null;
  readonly matrices: readonly MatrixTask[];
  /** Whether to count what can be moved and to give the column scales back. */
  readonly marking: boolean;
}

export interface SpreadReply {
  readonly sums: SpreadSums;
  /** Of matrices by their address. */
  readonly scales: readonly (readonly [string, Float32Array])[];
}

/** Reads the task's rows once. `source` is given when they are read on the calling thread. */
export async function readSpreadTask(task: SpreadTask, source?: ByteSource): Promise<SpreadReply> {
  const opened = source === undefined ? await openFileSource(task.path!) : null;
  try {
    const stored = new StoredRows(source ?? opened!);
    const sums = emptySpreadSums();
    const scales: [string, Float32Array][] = [];
    for (const matrix of task.matrices) {
      const found = await readMatrix(stored, matrix, task, sums);
      if (task.marking && matrix.first === 0) scales.push([matrix.address, found]);
    }
    return { sums, scales };
  } finally {
    await opened?.close();
  }
}

async function readMatrix(
  stored: StoredRows,
  matrix: MatrixTask,
  { marking }: SpreadTask,
  sums: SpreadSums,
): Promise<Float32Array> {
  const { address, rows, cols, dtype, first, count, keys } = matrix;
  const scales = scalesFromRows(await stored.decoded(matrix, scaleRows(keys.rows, address, rows, cols)), cols);
  const fold = new MatrixFold({ ...matrix, scales }, keys, sums, marking);
  const step = pieceRows((cols * DTYPE_BITS[dtype]) / 8);
  for (let at = first; at < first + count; at += step) {
    fold.add(await stored.piece(matrix, at, Math.min(step, first + count - at)));
  }
  return scales;
}
