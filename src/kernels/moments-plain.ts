import { decodeToF32Plain } from "./decode-plain.ts";
import { emptyMoments, type Moments, type MomentsDtype } from "./moments.ts";

const BLOCK = 512;

/**
 * The moments kernel in plain TypeScript, bit for bit: in blocks of 512 elements (the last one padded with nothing to
 * add) eight f32 lanes add 64 values each, then lanes l and l + 4 go to f64 lane l, which are summed as
 * (0 + 2) + (1 + 3). `bytes` holds whole elements.
 */
export function momentsPlain(bytes: Uint8Array, dtype: MomentsDtype, prescale: number): Moments {
  const values = decodeToF32Plain(bytes, dtype);
  const totals = [0, 1, 2, 3].map(() => new Float64Array(4));
  const result = { ...emptyMoments() };
  for (let start = 0; start < values.length; start += BLOCK) {
    const lanes = [0, 1, 2, 3].map(() => new Float32Array(8));
    for (let i = start; i < Math.min(start + BLOCK, values.length); i++) {
      const value = values[i]!;
      if (Number.isNaN(value)) result.nan += 1;
      else if (value === Number.POSITIVE_INFINITY) result.plusInfinity += 1;
      else if (value === Number.NEGATIVE_INFINITY) result.minusInfinity += 1;
      else {
        result.finite += 1;
        if (value === 0) result.zeros += 1;
        result.min = Math.min(result.min, value + 0);
        result.max = Math.max(result.max, value + 0);
        result.absMax = Math.max(result.absMax, Math.abs(value));
        addPowers(lanes, laneOf(i % 8, dtype), Math.fround(value * prescale));
      }
    }
    lanes.forEach((lane, k) => {
      for (let l = 0; l < 4; l++) totals[k]![l] = totals[k]![l]! + (lane[l]! + lane[l + 4]!);
    });
  }
  const [sum, squares, cubes, fourths] = totals.map((t) => t[0]! + t[2]! + (t[1]! + t[3]!));
  result.sum = sum! / prescale;
  result.squares = squares! / prescale ** 2;
  result.cubes = cubes! / prescale ** 3;
  result.fourths = fourths! / prescale ** 4;
  return result;
}

/** bf16 is split into even and odd elements, the other types into first and second half of eight. */
function laneOf(position: number, dtype: MomentsDtype): number {
  return dtype === "BF16" ? (position % 2) * 4 + (position >> 1) : position;
}

function addPowers(lanes: Float32Array[], lane: number, x: number): void {
  const square = Math.fround(x * x);
  const powers = [x, square, Math.fround(square * x), Math.fround(square * square)];
  powers.forEach((power, k) => {
    lanes[k]![lane] = lanes[k]![lane]! + power;
  });
}
