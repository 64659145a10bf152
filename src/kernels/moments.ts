import type { Kernels } from "./load-kernels.ts";

/** What one pass over a tensor tells of its values. NaN and infinities are counted and enter nothing else. */
export interface Moments {
  readonly finite: number;
  readonly zeros: number;
  readonly nan: number;
  readonly plusInfinity: number;
  readonly minusInfinity: number;
  /** Sums of x, x^2, x^3 and x^4 over the finite values. */
  readonly sum: number;
  readonly squares: number;
  readonly cubes: number;
  readonly fourths: number;
  /** +Infinity when nothing is finite. */
  readonly min: number;
  /** -Infinity when nothing is finite. */
  readonly max: number;
  /** 0 when nothing is finite. */
  readonly absMax: number;
}

/** The types whose bytes the kernel reads as they are; the others are decoded to f32 first. */
export type MomentsDtype = "BF16" | "F16" | "F32";

const OUT_BYTES = 64;

export function emptyMoments(): Moments {
  return {
    finite: 0,
    zeros: 0,
    nan: 0,
    plusInfinity: 0,
    minusInfinity: 0,
    sum: 0,
    squares: 0,
    cubes: 0,
    fourths: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    absMax: 0,
  };
}

/** The moments of two stretches. Addition of f64 is not associative: merge in file order for reproducible bits. */
export function mergeMoments(a: Moments, b: Moments): Moments {
  return {
    finite: a.finite + b.finite,
    zeros: a.zeros + b.zeros,
    nan: a.nan + b.nan,
    plusInfinity: a.plusInfinity + b.plusInfinity,
    minusInfinity: a.minusInfinity + b.minusInfinity,
    sum: a.sum + b.sum,
    squares: a.squares + b.squares,
    cubes: a.cubes + b.cubes,
    fourths: a.fourths + b.fourths,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    absMax: Math.max(a.absMax, b.absMax),
  };
}

/**
 * The power of two that brings `absMax` into [1, 2), kept within f32's normal exponents. Powers up to the fourth of
 * values so scaled neither overflow f32 nor fall among its subnormals, which cost twenty times as much.
 */
export function prescaleFor(absMax: number): number {
  if (!(absMax > 0)) return 1;
  let exponent = Math.max(-126, Math.min(126, Math.floor(Math.log2(absMax))));
  if (2 ** exponent > absMax && exponent > -126) exponent -= 1;
  return 2 ** -exponent;
}

/**
 * Moments of `n` < 2^31 elements at `pointer` in the memory of the kernels. Powers are taken of `prescale` x, a power of
 * two, and the sums scaled back, which is exact. Counts and extremes are exact; each sum is within 4.2e-6 sum |x|^k of
 * the exact one (at most 68 roundings to f32 in a block of 512, f64 above; 1.5e-7 is seen on weights).
 */
export function momentsAt(
  kernels: Kernels,
  pointer: number,
  n: number,
  dtype: MomentsDtype,
  prescale: number,
): Moments {
  const { arena, exports } = kernels;
  return arena.scope(() => {
    const out = arena.alloc(OUT_BYTES);
    if (dtype === "BF16") exports.momentsBf16(pointer, n, prescale, out);
    else if (dtype === "F16") exports.momentsF16(pointer, n, prescale, out);
    else exports.momentsF32(pointer, n, prescale, out);
    const [sum, squares, cubes, fourths] = arena.f64(out, 4) as unknown as [number, number, number, number];
    const counts = arena.u32(out + 32, 7) as unknown as [number, number, number, number, number, number, number];
    const [finite, zeros, nan, plusInfinity, minusInfinity, minKey, maxKey] = counts;
    const min = finite === 0 ? Number.POSITIVE_INFINITY : valueOfKey(minKey | 0, dtype);
    const max = finite === 0 ? Number.NEGATIVE_INFINITY : valueOfKey(maxKey | 0, dtype);
    return {
      finite,
      zeros,
      nan,
      plusInfinity,
      minusInfinity,
      sum: sum / prescale,
      squares: squares / prescale ** 2,
      cubes: cubes / prescale ** 3,
      fourths: fourths / prescale ** 4,
      min,
      max,
      absMax: finite === 0 ? 0 : Math.max(-min, max),
    };
  });
}

const scratch = new DataView(new ArrayBuffer(4));

/** The value whose magnitude bits, negated when it is negative, are `key`. */
function valueOfKey(key: number, dtype: MomentsDtype): number {
  const size = Math.abs(key);
  scratch.setInt32(0, dtype === "F32" ? size : size << 16);
  const value = dtype === "F16" ? halfValue(size) : scratch.getFloat32(0);
  return key < 0 ? -value : value;
}

/** A finite f16 by its magnitude bits. */
function halfValue(bits: number): number {
  const exponent = bits >> 10;
  const mantissa = bits & 1023;
  return exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25);
}
