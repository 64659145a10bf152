import type { SquareSums } from "../../src/kernels/norms.ts";

/** `squareSums` in plain TypeScript, bit for bit. */
export function squareSumsPlain(matrix: Float32Array, rows: number, columns: number): SquareSums {
  const result = { rows: new Float64Array(rows), columns: new Float64Array(columns) };
  for (let i = 0; i < rows; i++) {
    const lanes = [0, 0, 0, 0];
    for (let j = 0; j < columns; j++) {
      const square = matrix[i * columns + j]! ** 2;
      lanes[j % 4]! += square;
      result.columns[j]! += square;
    }
    result.rows[i] = lanes[0]! + lanes[2]! + (lanes[1]! + lanes[3]!);
  }
  return result;
}
