import type { MatmulShape } from "../../src/kernels/matmul.ts";

/** Products that are summed before their sum is added. */
const DEPTH = 256;

/** `matmul` by three loops in plain TypeScript, bit for bit. */
export function matmulPlain(a: Float32Array, b: Float32Array, shape: MatmulShape): Float32Array {
  const { rows, depth, columns, transposedB } = shape;
  const c = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let total = 0;
      for (let k = 0; k < depth; k += DEPTH) {
        let sum = 0;
        for (let d = k; d < Math.min(k + DEPTH, depth); d++) {
          const right = transposedB ? b[j * depth + d]! : b[d * columns + j]!;
          sum = Math.fround(sum + Math.fround(a[i * depth + d]! * right));
        }
        total = Math.fround(total + sum);
      }
      c[i * columns + j] = total;
    }
  }
  return c;
}
