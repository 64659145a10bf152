import { DTYPE_BITS, type Dtype } from "../formats/tensor-info.ts";
import { decodeRare } from "./decode-rare.ts";
import { decodeTarget } from "./decode-target.ts";
import { inTiles } from "./tiles.ts";

/** Elements of which kernels decode whole numbers: what is left over at the end has a turn of its own. */
const VECTOR = 8;

type Decoder = "decodeBf16" | "decodeF16" | "decodeF64" | "decodeE4M3" | "decodeE5M2";

/** The types decoded by a kernel; the others are rare enough for plain TypeScript. */
export const DECODERS = new Map<Dtype, Decoder>([
  ["BF16", "decodeBf16"],
  ["F16", "decodeF16"],
  ["F64", "decodeF64"],
  ["F8_E4M3", "decodeE4M3"],
  ["F8_E5M2", "decodeE5M2"],
]);

/**
 * Little-endian elements of any alignment to f32. Exact for every type of 8 or 16 bits and for F32; F64 and the
 * 32- and 64-bit integers are rounded to nearest even (64-bit integers by way of f64). BOOL and U8 keep their number.
 * NaN stays NaN, with its payload except from F64. `out`, when given, has at least as many elements and is returned
 * cut to length. Throws DTYPE_UNSUPPORTED.
 */
export function decodeToF32(bytes: Uint8Array, dtype: Dtype, out?: Float32Array): Float32Array {
  const decoder = DECODERS.get(dtype);
  if (decoder === undefined) return decodeRare(bytes, dtype, out);
  const values = decodeTarget(bytes, dtype, out);
  const width = DTYPE_BITS[dtype] / 8;
  const whole = values.length - (values.length % VECTOR);
  inTiles(bytes, values.subarray(0, whole), { bytes: width * VECTOR, elements: VECTOR }, (kernels, from, to, n) =>
    kernels.exports[decoder](from, to, n * VECTOR),
  );
  if (whole < values.length) {
    const rest = new Float32Array(VECTOR);
    const last = new Uint8Array(VECTOR * width);
    last.set(bytes.subarray(whole * width, values.length * width));
    inTiles(last, rest, { bytes: last.length, elements: VECTOR }, (kernels, from, to) =>
      kernels.exports[decoder](from, to, VECTOR),
    );
    values.set(rest.subarray(0, values.length - whole), whole);
  }
  return values;
}
