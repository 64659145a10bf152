const scratch = new DataView(new ArrayBuffer(4));

/** The nearest bfloat16 of an f32, ties to even. */
export function toBf16(x: number): number {
  scratch.setFloat32(0, x);
  const bits = scratch.getUint32(0);
  if (Number.isNaN(x)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function fromBf16(code: number): number {
  scratch.setUint32(0, code << 16);
  return scratch.getFloat32(0);
}

export function fromF16(code: number): number {
  const exponent = (code >> 10) & 31;
  const mantissa = code & 1023;
  const size = exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25);
  const value = exponent === 31 ? (mantissa === 0 ? Number.POSITIVE_INFINITY : Number.NaN) : size;
  return code & 0x8000 ? -value : value;
}

/** The finite f16 values from zero up, and what would come next. */
const SIZES = Float64Array.from({ length: 0x7c01 }, (_, code) => (code === 0x7c00 ? 65536 : fromF16(code)));

/** The nearest f16 of a number, ties to even, by looking for it: slow and plain. */
export function toF16(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size >= 65520) return sign | 0x7c00;
  let low = 0;
  let high = 0x7bff;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (SIZES[middle]! <= size) low = middle;
    else high = middle - 1;
  }
  const [below, above] = [size - SIZES[low]!, SIZES[low + 1]! - size];
  const up = above < below || (above === below && low % 2 === 1);
  return sign | (up ? low + 1 : low);
}
