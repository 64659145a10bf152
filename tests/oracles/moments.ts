import { emptyMoments, type Moments, type MomentsDtype } from "../../src/kernels/moments.ts";
import { decodePlain } from "./decode.ts";

const BLOCK = 512;

/**
 * The moments kernel in plain TypeScript, bit for bit: in blocks of 512 elements (the last one padded with zeros) four f32
 * lanes add 64 pairs each, then lane l goes to f64 lane l, which are summed as (0 + 2) + (1 + 3). `bytes` holds whole
 * elements.
 */
export function momentsPlain(bytes: Uint8Array, dtype: MomentsDtype, prescale: number): Moments {
  const values = decodePlain(bytes, dtype);
  const result = { ...emptyMoments() };
  const finite = values.map((value) => count(value, result));
  const totals = [0, 1, 2, 3].map(() => new Float64Array(4));
  for (let start = 0; start < finite.length; start += BLOCK) {
    const lanes = [0, 1, 2, 3].map(() => new Float32Array(4));
    for (let i = start; i < Math.min(start + BLOCK, finite.length); i += 8) {
      for (let lane = 0; lane < 4; lane++) {
        const [left, right] = dtype === "BF16" ? [i + 2 * lane, i + 2 * lane + 1] : [i + lane, i + lane + 4];
        addPair(lanes, lane, (finite[left] ?? 0) * prescale, (finite[right] ?? 0) * prescale);
      }
    }
    lanes.forEach((lane, k) => {
      for (let l = 0; l < 4; l++) totals[k]![l]! += lane[l]!;
    });
  }
  const [sum, squares, cubes, fourths] = totals.map((t) => t[0]! + t[2]! + (t[1]! + t[3]!));
  result.sum = sum! / prescale;
  result.squares = squares! / prescale ** 2;
  result.cubes = cubes! / prescale ** 3;
  result.fourths = fourths! / prescale ** 4;
  return result;
}

/** Counts one value and returns what the sums take of it: itself, or 0 when it is not finite. */
function count(value: number, into: { -readonly [Key in keyof Moments]: number }): number {
  if (Number.isFinite(value)) {
    into.finite += 1;
    if (value === 0) into.zeros += 1;
    into.min = Math.min(into.min, value + 0);
    into.max = Math.max(into.max, value + 0);
    into.absMax = Math.max(into.absMax, Math.abs(value));
    return value;
  }
  if (Number.isNaN(value)) into.nan += 1;
  else if (value > 0) into.plusInfinity += 1;
  else into.minusInfinity += 1;
  return 0;
}

function addPair(lanes: Float32Array[], lane: number, left: number, right: number): void {
  const a = powers(Math.fround(left));
  const b = powers(Math.fround(right));
  lanes.forEach((sums, k) => {
    sums[lane]! += Math.fround(a[k]! + b[k]!);
  });
}

function powers(x: number): number[] {
  const square = Math.fround(x * x);
  return [x, square, Math.fround(square * x), Math.fround(square * square)];
}
