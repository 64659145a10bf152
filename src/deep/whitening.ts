import { matmul } from "../kernels/matmul.ts";
import { type SymmetricEigen, symmetricEigen } from "../numerics/eigen.ts";

/** Eigenvectors of the products of rows [count x width] with one another, strongest first. */
export function gramEigen(rows: Float32Array, width: number): SymmetricEigen {
  const count = rows.length / width;
  const products = matmul(rows, rows, { rows: count, depth: width, columns: count, transposedB: true });
  const gram = new Float64Array(products);
  for (let i = 0; i < count; i++) for (let j = 0; j < i; j++) gram[i * count + j] = gram[j * count + i]!;
  return symmetricEigen(gram, count);
}

/**
 * V (w + ridge mean w)^(-1/2) V^T, count x count: what makes products with the rows equally large in all directions that they
 * span. The strongest `first` are left out.
 */
export function whitening({ values, vectors }: SymmetricEigen, ridge: number, first = 0): Float32Array {
  const count = values.length;
  const kept = count - first;
  const mean = values.reduce((sum, value) => sum + Math.max(0, value), 0) / count;
  const scaled = new Float32Array(count * kept);
  const plain = new Float32Array(kept * count);
  for (let k = 0; k < kept; k++) {
    const energy = Math.max(0, values[first + k]!) + ridge * mean;
    // Rows that are all zero span nothing.
    const scale = energy > 0 ? 1 / Math.sqrt(energy) : 0;
    for (let i = 0; i < count; i++) {
      const entry = vectors[(first + k) * count + i]!;
      plain[k * count + i] = entry;
      scaled[i * kept + k] = entry * scale;
    }
  }
  return matmul(scaled, plain, { rows: count, depth: kept, columns: count });
}
