import { blocksOf, coinBytesOf } from "../../kernels/coins.ts";
import { correlateAt } from "../../kernels/correlate.ts";
import { loadKernels } from "../../kernels/load-kernels.ts";
import { addressOf, type HostMatrix } from "../host-model.ts";
import { keystream } from "../keystream.ts";

/** Weights in memory at a time, unless one row has more. */
const TILE = 1 << 18;

/** <W_i, u_i> and |W_i|^2 for every row i of a matrix. */
export interface RowProjections {
  readonly dots: Float64Array;
  readonly energies: Float64Array;
}

/**
 * Projects each row on its keyed signs: 1 bit of the keystream under `directions` per weight, rows begin at multiples of
 * `coinBytesOf(cols)`. Sums are f32 within blocks of 256 columns, f64 over blocks. `afterTile` is told how many rows came.
 */
export async function projectRows(
  matrix: HostMatrix,
  directions: Uint8Array,
  afterTile: (rows: number) => Promise<void>,
): Promise<RowProjections> {
  const { rows, cols } = matrix;
  const result = { dots: new Float64Array(rows), energies: new Float64Array(rows) };
  const stream = keystream(directions, addressOf(matrix));
  const rowBytes = coinBytesOf(cols);
  const step = Math.min(rows, Math.max(1, Math.floor(TILE / cols)));
  const signs = new Uint8Array(step * rowBytes);
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const weights = await matrix.read(first, count);
    stream.fill(signs.subarray(0, count * rowBytes), first * rowBytes);
    projectTile(weights, signs, cols, {
      dots: result.dots.subarray(first, first + count),
      energies: result.energies.subarray(first, first + count),
    });
    await afterTile(count);
  }
  return result;
}

function projectTile(weights: Float32Array, signs: Uint8Array, cols: number, { dots, energies }: RowProjections): void {
  const kernels = loadKernels();
  const { arena } = kernels;
  const rows = dots.length;
  const padded = Math.ceil(cols / 8) * 8;
  const blocks = blocksOf(cols);
  const stride = coinBytesOf(cols);
  arena.scope(() => {
    const pointer = arena.alloc(rows * padded * 4);
    const coins = arena.alloc(rows * stride);
    const factors = arena.alloc(padded * 4);
    const out = arena.alloc(rows * blocks * 8);
    const tile = arena.f32(pointer, rows * padded);
    if (padded === cols) tile.set(weights);
    else {
      tile.fill(0);
      for (let i = 0; i < rows; i++) tile.set(weights.subarray(i * cols, (i + 1) * cols), i * padded);
    }
    arena.u8(coins, rows * stride).set(signs.subarray(0, rows * stride));
    arena.f32(factors, padded).fill(1);
    correlateAt(
      kernels,
      { pointer, rows, stride: padded * 4, cols: padded },
      "F32",
      factors,
      { pointer: coins, stride },
      out,
    );
    const sums = arena.f32(out, rows * blocks * 2);
    for (let i = 0, at = 0; i < rows; i++) {
      let [dot, energy] = [0, 0];
      for (let b = 0; b < blocks; b++) {
        dot += sums[at++]!;
        energy += sums[at++]!;
      }
      dots[i] = dot;
      energies[i] = energy;
    }
  });
}
