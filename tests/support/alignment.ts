import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import { addressOf } from "../../src/rows/addressed-matrix.ts";
import { hostModel } from "../../src/watermark/host/host-checkpoint.ts";
import type { HostModel } from "../../src/watermark/host/host-model.ts";
import { buildSketch } from "../../src/watermark/resync/build-sketch.ts";
import type { Sketch } from "../../src/watermark/resync/sketch.ts";
import { type Synchronised, synchronise } from "../../src/watermark/resync/synchronise.ts";
import type { LlamaShape } from "./obfuscate.ts";
import { type Model, type ModelShape, randomModel } from "./random-model.ts";
import { checkpointOf } from "./stored-model.ts";

/** Width 96, heads of 16 rows: three key/value heads for six query heads. */
export const SHAPE: LlamaShape = { width: 96, hidden: 160, heads: 6, kvHeads: 3, headSize: 16, vocabulary: 320 };
export const CONFIG = {
  model_type: "llama",
  hidden_size: SHAPE.width,
  num_attention_heads: SHAPE.heads,
  num_key_value_heads: SHAPE.kvHeads,
};
export const KEY = { id: "0123456789abcdef", release: "tests" };

export function llama(seed: number, shape: Partial<ModelShape> = {}): Model {
  const { width, hidden, vocabulary } = SHAPE;
  return randomModel({ init: seed }, { width, hidden, vocabulary, layers: 3, ...shape });
}

export async function sketchOf(model: Model, config: Checkpoint["config"] = CONFIG): Promise<Sketch> {
  return buildSketch(await checkpointOf(model, { config }), { key: KEY });
}

/** Synchronises a suspect that comes without config. */
export async function align(suspect: Model, sketch: Sketch): Promise<Synchronised> {
  return synchronise(await checkpointOf(suspect), sketch);
}

/**
 * Smallest correlation of a matrix of the reference with the same address in `host`, over the given roles, after rows and
 * then columns have been brought to one length each as a spread detector does; 0 where it is missing.
 */
export async function likeness(
  reference: Model,
  host: HostModel,
  roles: readonly string[] = ["q", "k", "v", "o", "gate", "up", "down"],
  layers?: readonly number[],
): Promise<number> {
  const found = new Map(host.matrices.map((matrix) => [addressOf(matrix), matrix]));
  let least = 1;
  for (const matrix of hostModel(await checkpointOf(reference, { config: CONFIG })).matrices) {
    if (!roles.includes(matrix.role) || layers?.includes(matrix.layer) === false) continue;
    const other = found.get(addressOf(matrix));
    if (other === undefined || other.rows !== matrix.rows || other.cols !== matrix.cols) return 0;
    const a = normalised(await matrix.read(0, matrix.rows), matrix.cols);
    const b = normalised(await other.read(0, other.rows), matrix.cols);
    const size = lengths(a, b);
    least = Math.min(least, size > 0 ? a.reduce((sum, x, i) => sum + x * b[i]!, 0) / size : 0);
  }
  return least;
}

/** |a| |b|. */
function lengths(a: Float64Array, b: Float64Array): number {
  const square = (x: Float64Array): number => x.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(square(a) * square(b));
}

function normalised(values: Float32Array, cols: number): Float64Array {
  const out = Float64Array.from(values);
  const rows = values.length / cols;
  for (let pass = 0; pass < 3; pass++) {
    scale(rows, cols, (i, j) => i * cols + j);
    scale(cols, rows, (j, i) => i * cols + j);
  }
  return out;

  function scale(lines: number, length: number, at: (line: number, k: number) => number): void {
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += out[at(line, k)]! ** 2;
      const factor = sum > 0 ? Math.sqrt(length / sum) : 0;
      for (let k = 0; k < length; k++) out[at(line, k)]! *= factor;
    }
  }
}
