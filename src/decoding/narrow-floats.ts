const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Distance of neighbouring f16 by the exponent field of an f32: they have eleven bits, fewer below their exponents. */
const UNITS = Float64Array.from({ length: 256 }, (_, field) => 2 ** (Math.max(field - 127, -14) - 10));
/** Added and taken away again, it leaves a whole number, ties to even. */
const WHOLE = 1.5 * 2 ** 52;
/** From here on f16 is infinite. */
const BEYOND = 65520;

/** The f16 nearest to an f32, ties to even, as an f32. NaN stays NaN. */
export function toHalf(value: number): number {
  if (value >= BEYOND) return Number.POSITIVE_INFINITY;
  if (value <= -BEYOND) return Number.NEGATIVE_INFINITY;
  float[0] = value;
  const unit = UNITS[(bits[0]! >>> 23) & 255]!;
  return (value / unit + WHOLE - WHOLE) * unit;
}

/** The bf16 nearest to an f32, ties to even, as an f32. NaN stays NaN. */
export function toBrain(value: number): number {
  if (Number.isNaN(value)) return value;
  float[0] = value;
  const word = bits[0]!;
  bits[0] = word + 0x7fff + ((word >>> 16) & 1) - ((word + 0x7fff + ((word >>> 16) & 1)) & 0xffff);
  return float[0]!;
}
