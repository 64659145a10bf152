import { prescaleFor } from "../../src/kernels/moments.ts";

const ITERATIONS = 4;
/** Squares that a row or column scale may rest on; beyond, f32 sums overflow. */
const LARGEST_SQUARE = 1e30;

/** `columnScales` in plain TypeScript, bit for bit. */
export function columnScalesPlain(values: Float32Array, rows: number, cols: number): Float32Array {
  let most = 0;
  for (const x of values) if (Number.isFinite(x)) most = Math.max(most, Math.abs(x));
  const prescale = prescaleFor(most);
  const squares = values.map((x) => {
    const scaled = Math.fround(x * prescale);
    const square = Math.fround(scaled * scaled);
    return square < LARGEST_SQUARE ? square : 0;
  });
  const weight = new Float32Array(cols).fill(1);
  const sums = new Float32Array(cols);
  let all = 0;
  for (let k = 0; k < ITERATIONS; k++) {
    sums.fill(0);
    all = 0;
    for (let i = 0; i < rows; i++) {
      const row = squares.subarray(i * cols, (i + 1) * cols);
      const total = weightedSum(row, weight);
      if (!(total > 0)) continue;
      all += total;
      const share = Math.fround(1 / total);
      for (let j = 0; j < cols; j++) sums[j]! += Math.fround(row[j]! * share);
    }
    for (let j = 0; j < cols; j++) weight[j] = sums[j]! > 0 ? 1 / sums[j]! : 0;
  }
  return scalesOf(sums, all / (rows * cols), prescale);
}

/** `meanSquare`: of the rows after division by the roots of `sums`, at the prescale. */
function scalesOf(sums: Float32Array, meanSquare: number, prescale: number): Float32Array {
  const factor = (meanSquare > 0 ? 2 ** Math.round(Math.log2(meanSquare) / 2) : 1) / prescale;
  return sums.map((sum) => {
    const scale = Math.fround(Math.sqrt(sum) * factor);
    const usable = Number.isFinite(scale) && Number.isFinite(Math.fround(1 / scale)) && scale >= 2 ** -126;
    return usable ? scale : 0;
  });
}

function weightedSum(row: Float32Array, weight: Float32Array): number {
  const lanes = new Float32Array(8);
  for (let j = 0; j < row.length; j++) lanes[j & 7]! += Math.fround(row[j]! * weight[j]!);
  const both = Float32Array.from({ length: 4 }, (_, i) => lanes[i]! + lanes[i + 4]!);
  return Math.fround(Math.fround(both[0]! + both[2]!) + Math.fround(both[1]! + both[3]!));
}
