import { coinOf } from "./coin.ts";

const BLOCK_COLUMNS = 256;

/** One row of `correlateAt` in plain TypeScript, bit for bit, NaN apart: factors in the order of columns. */
export function correlateRowPlain(row: Float32Array, factors: Float32Array, coins: Uint8Array): Float32Array {
  const out = new Float32Array(2 * Math.ceil(row.length / BLOCK_COLUMNS));
  for (let first = 0; first < row.length; first += BLOCK_COLUMNS) {
    const sums = new Float32Array(8);
    const squares = new Float32Array(8);
    for (let j = first; j < Math.min(row.length, first + BLOCK_COLUMNS); j++) {
      const lane = ((j & 1) << 2) | ((j & 7) >> 1);
      const value = Math.fround(coinOf(coins, j) * row[j]! * factors[j]!);
      sums[lane]! += value;
      squares[lane]! += Math.fround(value * value);
    }
    const at = (2 * first) / BLOCK_COLUMNS;
    out[at] = total(sums);
    out[at + 1] = total(squares);
  }
  return out;
}

function total(lanes: Float32Array): number {
  const both = Float32Array.from({ length: 4 }, (_, i) => lanes[i]! + lanes[i + 4]!);
  return Math.fround(Math.fround(both[0]! + both[2]!) + Math.fround(both[1]! + both[3]!));
}
