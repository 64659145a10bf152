/**
 * Matrix products in f32, no matter who computes them. Operands and results are row-major. Engines agree to rounding (each
 * element within (k + 1) 2^-24 sum |a b| of the exact one), not to the bit: what a fingerprint stores comes from our own
 * kernels only, and reports name the engine that was used.
 */
export interface DenseEngine {
  /** What reports and `doctor` print. */
  readonly name: string;
  /** A B for A [m x k] and B [k x n]. Throws INTERNAL when a length does not fit. */
  matmul(a: Float32Array, b: Float32Array, m: number, k: number, n: number): Float32Array;
  /** A B^T for A [m x k] and B [n x k]. Throws INTERNAL when a length does not fit. */
  matmulT(a: Float32Array, b: Float32Array, m: number, k: number, n: number): Float32Array;
}

/** An engine that works here, or why it does not. */
export type EngineStatus =
  | { readonly name: string; readonly engine: DenseEngine; readonly reason: null }
  | { readonly name: string; readonly engine: null; readonly reason: string };
