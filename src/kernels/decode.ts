import { DTYPE_BITS, type Dtype } from "../formats/tensor-info.ts";
import { decodeRare } from "./decode-rare.ts";
import { decodeTarget } from "./decode-target.ts";
import { type KernelExports, loadKernels } from "./load-kernels.ts";

/** Elements decoded at a time: source and result stay in the L2 cache. */
const TILE = 1 << 16;

type Decoder = Extract<keyof KernelExports, `decode${string}`>;

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
  const { arena, exports } = loadKernels();
  arena.scope(() => {
    const from = arena.alloc(Math.min(values.length, TILE) * width);
    const to = arena.alloc(Math.min(values.length, TILE) * 4);
    for (let at = 0; at < values.length; at += TILE) {
      const n = Math.min(TILE, values.length - at);
      arena.u8(from, n * width).set(bytes.subarray(at * width, (at + n) * width));
      exports[decoder](from, to, n);
      values.set(arena.f32(to, n), at);
    }
  });
  return values;
}
