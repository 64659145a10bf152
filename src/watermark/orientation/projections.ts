import { setImmediate } from "node:timers/promises";
import { addressOf, type HostMatrix, type HostModel } from "../host-model.ts";
import { keystream } from "../keystream.ts";
import type { ModelKey } from "../model-key.ts";
import { type SignGenerators, signGenerators } from "./generators.ts";

/** What the weights say along keyed directions, once for all payload classes. */
export interface OrientationUnits {
  readonly blocks: readonly OrientationBlock[];
  /** Generators whose weights are not all zero. */
  readonly present: number;
}

export interface OrientationBlock {
  readonly generators: SignGenerators;
  /**
   * y_g = <W_g / |W_g|, u_g>: W_g the rows of generator g joined, u_g keyed +-1. About N(0, 1) for weights made without
   * the key; 0 where the rows are zero or not finite.
   */
  readonly projections: Float32Array;
}

export interface ReadOptions {
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Weights read at a time. */
const TILE = 1 << 18;
const DIRECTIONS = "orientation/directions";

/** Projects every generator of the model on its keyed direction: one pass over up, v and k. */
export async function readOrientation(
  host: HostModel,
  key: ModelKey,
  options: ReadOptions = {},
): Promise<OrientationUnits> {
  const directions = key.subkey(DIRECTIONS);
  const found = signGenerators(host);
  const total = found.reduce((sum, { source }) => sum + source.rows * source.cols, 0);
  const blocks: OrientationBlock[] = [];
  let done = 0;
  let present = 0;
  for (const generators of found) {
    const { source } = generators;
    const { dots, energies } = await projectRows(source, directions, async (rows) => {
      done += rows * source.cols;
      options.onProgress?.(done, total);
      // Local reads are synchronous: without a turn of the event loop neither timers nor signals would be heard.
      await setImmediate();
      options.signal?.throwIfAborted();
    });
    const projections = new Float32Array(generators.count);
    for (let g = 0; g < projections.length; g++) {
      let [dot, energy] = [0, 0];
      for (const row of generators.sourceRows(g)) {
        dot += dots[row]!;
        energy += energies[row]!;
      }
      const y = dot / Math.sqrt(energy);
      if (Number.isFinite(y) && y !== 0) {
        projections[g] = y;
        present++;
      }
    }
    blocks.push({ generators, projections });
  }
  return { blocks, present };
}

/** <W_i, u_i> and |W_i|^2 of every row i of a matrix. */
async function projectRows(
  matrix: HostMatrix,
  directions: Uint8Array,
  afterTile: (rows: number) => Promise<void>,
): Promise<{ dots: Float64Array; energies: Float64Array }> {
  const { rows, cols } = matrix;
  const dots = new Float64Array(rows);
  const energies = new Float64Array(rows);
  const stream = keystream(directions, addressOf(matrix));
  const rowBytes = Math.ceil(cols / 8);
  const step = Math.max(1, Math.floor(TILE / cols));
  const signs = new Uint8Array(Math.min(step, rows) * rowBytes);
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const weights = await matrix.read(first, count);
    stream.fill(signs.subarray(0, count * rowBytes), first * rowBytes);
    projectTile(weights, signs, cols, dots.subarray(first, first + count), energies.subarray(first, first + count));
    await afterTile(count);
  }
  return { dots, energies };
}

/** The eight factors +-1 that the bits of a byte stand for, lowest bit first: 0 is +1. */
const FACTORS = Float64Array.from({ length: 256 * 8 }, (_, i) => 1 - 2 * (((i >> 3) >> (i & 7)) & 1));

/**
 * Dot product with packed signs and sum of squares of each row, in f64 and a fixed order. Rows of signs begin on whole
 * bytes.
 */
export function projectTile(
  weights: Float32Array,
  signs: Uint8Array,
  cols: number,
  dots: Float64Array,
  energies: Float64Array,
): void {
  const rowBytes = Math.ceil(cols / 8);
  const whole = cols - (cols % 8);
  for (let i = 0; i < dots.length; i++) {
    const start = i * cols;
    let at = i * rowBytes;
    let [dot0, dot1, energy0, energy1] = [0, 0, 0, 0];
    for (let j = start; j < start + whole; j += 8) {
      const f = signs[at++]! << 3;
      const [a, b, c, d] = [weights[j]!, weights[j + 1]!, weights[j + 2]!, weights[j + 3]!];
      dot0 += FACTORS[f]! * a + FACTORS[f + 1]! * b + (FACTORS[f + 2]! * c + FACTORS[f + 3]! * d);
      energy0 += a * a + b * b + (c * c + d * d);
      const [e, g, h, k] = [weights[j + 4]!, weights[j + 5]!, weights[j + 6]!, weights[j + 7]!];
      dot1 += FACTORS[f + 4]! * e + FACTORS[f + 5]! * g + (FACTORS[f + 6]! * h + FACTORS[f + 7]! * k);
      energy1 += e * e + g * g + (h * h + k * k);
    }
    for (let j = whole; j < cols; j++) {
      const w = weights[start + j]!;
      dot0 += FACTORS[(signs[at]! << 3) + j - whole]! * w;
      energy0 += w * w;
    }
    dots[i] = dot0 + dot1;
    energies[i] = energy0 + energy1;
  }
}
