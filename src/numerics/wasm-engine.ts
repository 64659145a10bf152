import { matmul } from "../kernels/matmul.ts";
import type { DenseEngine } from "./dense-engine.ts";

/** The default: our own WebAssembly kernels. One thread, bit-reproducible on every machine. */
export function wasmEngine(): DenseEngine {
  return {
    name: "wasm",
    matmul: (a, b, m, k, n) => matmul(a, b, { rows: m, depth: k, columns: n }),
    matmulT: (a, b, m, k, n) => matmul(a, b, { rows: m, depth: k, columns: n, transposedB: true }),
  };
}
