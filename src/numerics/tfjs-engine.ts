import { createRequire } from "node:module";
import { WeightmarkError } from "../errors.ts";
import type { DenseEngine, EngineStatus } from "./dense-engine.ts";
import { probe } from "./probe.ts";

const PACKAGE = "@tensorflow/tfjs-node";
const NAME = "tfjs-node";

/** The little of @tensorflow/tfjs-node used here; the package is optional, so its types are not at hand. */
interface Tensorflow {
  tensor2d(values: Float32Array, shape: [number, number], dtype: "float32"): TensorflowTensor;
  matMul(a: TensorflowTensor, b: TensorflowTensor, transposeA: boolean, transposeB: boolean): TensorflowTensor;
  getBackend(): string;
  readonly version: Readonly<Record<string, string>>;
}

interface TensorflowTensor {
  dataSync(): Float32Array;
  dispose(): void;
}

/**
 * TensorFlow's multi-threaded matrix product by way of the optional peer @tensorflow/tfjs-node, found where Node finds
 * packages (node_modules, NODE_PATH). Importing it proves nothing, since its native library is fetched by an install
 * script that may not have run: it counts as present only once it has multiplied two matrices on its native backend.
 */
export function tfjsEngine(): EngineStatus {
  const require = createRequire(import.meta.url);
  try {
    require.resolve(PACKAGE);
  } catch {
    return { name: NAME, engine: null, reason: "not installed" };
  }
  try {
    const tf = load(require);
    const engine = engineOver(tf);
    const reason = tf.getBackend() === "tensorflow" ? probe(engine) : `it fell back to the ${tf.getBackend()} backend`;
    return reason === null ? { name: NAME, engine, reason } : { name: NAME, engine: null, reason };
  } catch (cause) {
    return { name: NAME, engine: null, reason: `installed but broken: ${firstLine(cause)}` };
  }
}

function load(require: NodeJS.Require): Tensorflow {
  // Its compiled code calls two helpers that Node 23 removed.
  const util = require("node:util") as Record<"isNullOrUndefined" | "isArray", unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  // Start-up chatter of the native library would land between our own lines on stderr.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  return require(PACKAGE) as Tensorflow;
}

function engineOver(tf: Tensorflow): DenseEngine {
  function product(
    a: Float32Array,
    b: Float32Array,
    m: number,
    k: number,
    n: number,
    transposed: boolean,
  ): Float32Array {
    if (a.length !== m * k || b.length !== k * n) {
      throw new WeightmarkError("INTERNAL", `no product of ${m} x ${k} and ${k} x ${n} in what was given`);
    }
    // TensorFlow has no opinion on empty sums; the definition has.
    if (m * k * n === 0) return new Float32Array(m * n);
    const left = tf.tensor2d(a, [m, k], "float32");
    const right = tf.tensor2d(b, transposed ? [n, k] : [k, n], "float32");
    const result = tf.matMul(left, right, false, transposed);
    try {
      return result.dataSync();
    } finally {
      for (const tensor of [left, right, result]) tensor.dispose();
    }
  }
  return {
    name: `${NAME} ${tf.version["tfjs-node"] ?? tf.version.tfjs ?? ""}`.trim(),
    matmul: (a, b, m, k, n) => product(a, b, m, k, n, false),
    matmulT: (a, b, m, k, n) => product(a, b, m, k, n, true),
  };
}

/** Native loaders append pages of paths. */
function firstLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.trim().split("\n", 1)[0]!.slice(0, 200);
}
