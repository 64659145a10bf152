import { expect, test } from "vitest";
import type { CanonicalTensor } from "../../../src/anatomy/anatomy.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import type { Checkpoint } from "../../../src/checkpoint/checkpoint.ts";
import { SLICE_WIDTH, sliceRuns, sliceWidth } from "../../../src/fingerprint/sampling.ts";
import { RowReader } from "../../../src/rows/row-reader.ts";

/** A checkpoint of one f32 tensor [rows, cols] whose element k is k. */
function countingCheckpoint(rows: number, cols: number): Checkpoint {
  const values = Float32Array.from({ length: rows * cols }, (_, i) => i);
  const source = memorySource(new Uint8Array(values.buffer), "memory");
  const tensor = { name: "w", dtype: "F32" as const, shape: [rows, cols], begin: 0, end: values.byteLength, file: 0 };
  return {
    location: "memory",
    container: "safetensors",
    files: [{ path: "memory", absolutePath: null, source }],
    tensors: new Map([["w", tensor]]),
    config: null,
    notes: [],
    verifyUnchanged: async () => {},
    close: async () => {},
  };
}

const view = (rows: number, cols: number, transposed: boolean): CanonicalTensor => ({
  component: "language",
  stack: "model.layers",
  layer: 0,
  expert: -1,
  role: "up",
  rows,
  cols,
  tensor: "w",
  rowOffset: (row) => (transposed ? row : row * cols),
  colStride: transposed ? rows : 1,
  gain: null,
  axis: "residual",
  block: cols,
});

test.each([1, 31, 1024, 1025, 1026, 4096, 11008])("the runs of %i columns lie inside, apart and in order", (cols) => {
  let end = 0;
  let count = 0;
  for (const run of sliceRuns(cols)) {
    // Between 1,024 and about 1,030 columns neighbouring runs touch; they never overlap.
    expect(run.first).toBeGreaterThanOrEqual(end);
    end = run.first + run.count;
    count += run.count;
  }
  expect(end).toBe(cols);
  expect(count).toBe(Math.min(cols, SLICE_WIDTH));
  expect(sliceWidth(cols)).toBe(count);
});

test.each([false, true])(
  "chosen columns of chosen rows are read, and little else (transposed: %s)",
  async (transposed) => {
    const [rows, cols] = [6, 10];
    const reader = new RowReader(countingCheckpoint(rows, cols));
    const runs = [
      { first: 1, count: 2 },
      { first: 7, count: 3 },
    ];
    const got = await reader.rows(view(rows, cols, transposed), [0, 2, 3], runs);
    const at = (i: number, j: number): number => (transposed ? j * rows + i : i * cols + j);
    expect([...got]).toEqual([0, 2, 3].flatMap((i) => [1, 2, 7, 8, 9].map((j) => at(i, j))));
    expect(reader.bytesRead).toBe(4 * (transposed ? rows * cols : 15));
  },
);

test.each([false, true])("all columns of neighbouring rows come out in order (transposed: %s)", async (transposed) => {
  const reader = new RowReader(countingCheckpoint(5, 3));
  const got = await reader.rows(view(5, 3, transposed), [1, 2, 4]);
  const at = (i: number, j: number): number => (transposed ? j * 5 + i : i * 3 + j);
  expect([...got]).toEqual([1, 2, 4].flatMap((i) => [0, 1, 2].map((j) => at(i, j))));
});

test.each([1 << 20, 1000, 64])(
  "scattered rows are the same gathered in pieces as read from the whole (cache %i)",
  async (cache) => {
    const [rows, cols] = [37, 300];
    // Stored [cols, rows]: element (i, j) is stored element j * rows + i, and its value.
    const reader = new RowReader(countingCheckpoint(cols, rows), cache);
    const wanted = [0, 5, 36];
    const all = await reader.rows(view(rows, cols, true), wanted);
    expect([...all]).toEqual(wanted.flatMap((i) => Array.from({ length: cols }, (_, j) => j * rows + i)));
    const runs = [
      { first: 2, count: 3 },
      { first: 250, count: 50 },
    ];
    const some = await reader.rows(view(rows, cols, true), wanted, runs);
    const columns = runs.flatMap((run) => Array.from({ length: run.count }, (_, c) => run.first + c));
    expect([...some]).toEqual(wanted.flatMap((i) => columns.map((j) => j * rows + i)));
  },
);
