import { blocksOf, coinBytesOf } from "../../../kernels/coins.ts";
import { correlateAt } from "../../../kernels/correlate.ts";
import { loadKernels } from "../../../kernels/load-kernels.ts";

/** Rows in the memory of the kernels at a time. */
const BATCH = 64;

/** Per row and block of 256 columns: sum of coin * value, and sum of value^2. Two f32 each, rows x blocks x 2. */
export function blockSums(values: Float32Array, rows: number, cols: number, coins: Uint8Array): Float32Array {
  const kernels = loadKernels();
  const { arena } = kernels;
  const padded = Math.ceil(cols / 8) * 8;
  const width = coinBytesOf(cols);
  const perRow = 2 * blocksOf(cols);
  const out = new Float32Array(rows * perRow);
  arena.scope(() => {
    const at = arena.alloc(BATCH * padded * 4);
    const factors = arena.alloc(padded * 4);
    const coin = arena.alloc(BATCH * width);
    const sums = arena.alloc(BATCH * perRow * 4);
    arena.f32(factors, padded).fill(1);
    for (let first = 0; first < rows; first += BATCH) {
      const count = Math.min(BATCH, rows - first);
      const target = arena.f32(at, count * padded);
      if (padded === cols) target.set(values.subarray(first * cols, (first + count) * cols));
      else {
        target.fill(0);
        for (let i = 0; i < count; i++) {
          target.set(values.subarray((first + i) * cols, (first + i + 1) * cols), i * padded);
        }
      }
      arena.u8(coin, count * width).set(coins.subarray(first * width, (first + count) * width));
      const lying = { pointer: at, rows: count, stride: padded * 4, cols: padded };
      correlateAt(kernels, lying, "F32", factors, { pointer: coin, stride: width }, sums);
      out.set(arena.f32(sums, count * perRow), first * perRow);
    }
  });
  return out;
}
