import { DTYPE_BITS } from "../../../formats/tensor-info.ts";
import { blocksOf, coinBytesOf, toEvenOdd } from "../../../kernels/coins.ts";
import { correlateAt } from "../../../kernels/correlate.ts";
import { loadKernels } from "../../../kernels/load-kernels.ts";
import { type AddressedMatrix, addressOf, type StoredPiece } from "../../../rows/addressed-matrix.ts";
import { kernelRows } from "../../host/kernel-rows.ts";
import { keystream } from "../../key/keystream.ts";

/** Weights in memory at a time, unless one row has more. */
const TILE = 1 << 18;

/** <W_i, u_i> and |W_i|^2 for every row i of a matrix W with its norm's gain folded in. */
export interface RowProjections {
  readonly dots: Float64Array;
  readonly energies: Float64Array;
}

/**
 * Projects each row on its keyed signs: 1 bit of the keystream under `directions` per weight, rows begin at multiples of
 * `coinBytesOf(cols)`. Sums are f32 within blocks of 256 columns, f64 over blocks. `afterTile` is told how many rows came.
 */
export async function projectRows(
  matrix: AddressedMatrix,
  directions: Uint8Array,
  afterTile: (rows: number) => Promise<void>,
): Promise<RowProjections> {
  const { rows, cols } = matrix;
  const result = { dots: new Float64Array(rows), energies: new Float64Array(rows) };
  const stream = keystream(directions, addressOf(matrix));
  const factors = (await matrix.gain?.()) ?? new Float32Array(cols).fill(1);
  const rowBytes = coinBytesOf(cols);
  const step = Math.min(rows, Math.max(1, Math.floor(TILE / cols)));
  const signs = new Uint8Array(step * rowBytes);
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const piece = await kernelRows(matrix, first, count);
    stream.fill(signs.subarray(0, count * rowBytes), first * rowBytes);
    projectTile(piece, signs, factors, {
      dots: result.dots.subarray(first, first + count),
      energies: result.energies.subarray(first, first + count),
    });
    await afterTile(count);
  }
  return result;
}

function projectTile(
  piece: StoredPiece,
  signs: Uint8Array,
  gain: Float32Array,
  { dots, energies }: RowProjections,
): void {
  const kernels = loadKernels();
  const { arena } = kernels;
  const rows = dots.length;
  const cols = gain.length;
  const padded = Math.ceil(cols / 8) * 8;
  const stride = (padded * DTYPE_BITS[piece.dtype]) / 8;
  const coinStride = coinBytesOf(cols);
  const blocks = blocksOf(cols);
  arena.scope(() => {
    const pointer = arena.alloc(rows * stride);
    const coins = arena.alloc(rows * coinStride);
    const factors = arena.alloc(padded * 4);
    const out = arena.alloc(rows * blocks * 8);
    piece.fill(arena.u8(pointer, rows * stride));
    arena.u8(coins, rows * coinStride).set(signs.subarray(0, rows * coinStride));
    toEvenOdd(gain, arena.f32(factors, padded));
    const tile = { pointer, rows, stride, cols: padded };
    correlateAt(kernels, tile, piece.dtype, factors, { pointer: coins, stride: coinStride }, out);
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
