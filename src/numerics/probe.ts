import type { DenseEngine } from "./dense-engine.ts";

/** [1 2 3; 4 5 6] times [1 4; 2 5; 3 6], both ways round; null when right. */
export function probe(engine: DenseEngine): string | null {
  const a = Float32Array.of(1, 2, 3, 4, 5, 6);
  const expected = [14, 32, 32, 77];
  const plain = engine.matmul(a, Float32Array.of(1, 4, 2, 5, 3, 6), 2, 3, 2);
  const transposed = engine.matmulT(a, a, 2, 3, 2);
  const right = expected.every((value, i) => plain[i] === value && transposed[i] === value);
  return right ? null : "it multiplies matrices wrongly";
}
