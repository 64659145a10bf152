import { transposed } from "../../src/alignment/rotation.ts";
import { matmul } from "../../src/kernels/matmul.ts";
import { type Prng, prng } from "../../src/numerics/prng.ts";
import type { Model, ModelTensor } from "./random-model.ts";

export interface AdapterShape {
  readonly rank: number;
  readonly headSize: number;
  /** Size of what training left in B of values beside noise, and in A beside its random start; 0 for an adapter of nobody's. */
  readonly values: number;
  readonly stream: number;
  /** Roles that have factors. */
  readonly roles: readonly ("q" | "k" | "v")[];
}

const SHAPE: AdapterShape = { rank: 8, headSize: 32, values: 2, stream: 0.5, roles: ["q", "v"] };

/**
 * A LoRA adapter as its gradients shape it: B of values lies where W_o does, A in the span of what reads the stream. Of a model
 * of Llama's names, by peft's names.
 */
export function loraAdapter(base: Model, seed: number, shape: Partial<AdapterShape> = {}): Model {
  const full = { ...SHAPE, ...shape };
  const random = prng(`lora ${seed}`);
  const adapter = new Map<string, ModelTensor>();
  for (let layer = 0; base.has(`model.layers.${layer}.self_attn.o_proj.weight`); layer++) {
    const at = `model.layers.${layer}.self_attn`;
    const part = (role: string): ModelTensor => base.get(`${at}.${role}_proj.weight`)!;
    for (const role of full.roles) {
      const outputs = part(role).shape[0]!;
      const b = role === "v" ? factorOfValues(part("o"), outputs, full, random) : normals(outputs * full.rank, random);
      const a = factorOfStream(["q", "k", "v"].map(part), full, random);
      const name = `base_model.model.${at}.${role}_proj`;
      adapter.set(`${name}.lora_A.weight`, tensor([full.rank, part(role).shape[1]!], a));
      adapter.set(`${name}.lora_B.weight`, tensor([outputs, full.rank], b));
    }
  }
  return adapter;
}

/** Rows of B: columns of W_o, of all heads that share a head of values. */
function factorOfValues(output: ModelTensor, channels: number, shape: AdapterShape, random: Prng): Float32Array {
  const [rows, cols] = output.shape as [number, number];
  const { rank, headSize } = shape;
  const group = cols / channels;
  const stacked = new Float32Array(group * rows * channels);
  for (let g = 0; g < group; g++) {
    for (let c = 0; c < channels; c++) {
      const column = (Math.floor(c / headSize) * group + g) * headSize + (c % headSize);
      for (let i = 0; i < rows; i++) stacked[(g * rows + i) * channels + c] = output.values[i * cols + column]!;
    }
  }
  return transposed(mixed(inSpan(stacked, channels, rank, random), shape.values, random), channels);
}

function factorOfStream(readers: readonly ModelTensor[], { rank, stream }: AdapterShape, random: Prng): Float32Array {
  const stacked = Float32Array.from(readers.flatMap(({ values }) => [...values]));
  return mixed(inSpan(stacked, readers[0]!.shape[1]!, rank, random), stream, random);
}

/** `rank` rows in the span of the given ones, mostly where those are strong: N M M^T M. */
function inSpan(matrix: Float32Array, width: number, rank: number, random: Prng): Float32Array {
  const rows = matrix.length / width;
  const first = matmul(normals(rank * rows, random), matrix, { rows: rank, depth: rows, columns: width });
  const seen = matmul(first, matrix, { rows: rank, depth: width, columns: rows, transposedB: true });
  return matmul(seen, matrix, { rows: rank, depth: rows, columns: width });
}

/** Noise, and so many times as much of the values. */
function mixed(values: Float32Array, share: number, random: Prng): Float32Array {
  const size = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  return values.map((x) => 0.01 * (random.normal() + (share * x) / size));
}

function normals(count: number, random: Prng): Float32Array {
  return Float32Array.from({ length: count }, () => 0.01 * random.normal());
}

function tensor(shape: readonly number[], values: Float32Array): ModelTensor {
  return { shape, values, dtype: "F32" };
}
