import { blake3 } from "../kernels/blake3.ts";
import type { ValueDigest } from "./fingerprint.ts";
import { toHex } from "./hex.ts";

const DIGEST_BYTES = 16;

/** Digests of values as they are and as a cast to f16 or bf16 (round to nearest, ties to even) would leave them. */
export function digestValues(values: Float32Array): ValueDigest {
  const bits = new Uint32Array(values.length);
  bits.set(new Uint32Array(values.buffer, values.byteOffset, values.length));
  canonicalNaN(bits);
  const f32 = hash(bits);
  const image = new Uint32Array(bits.length);
  return {
    f32,
    f16: castTo(roundToF16, bits, image) ? f32 : hash(image),
    bf16: castTo(roundToBf16, bits, image) ? f32 : hash(image),
  };
}

/** Casts keep NaN but not its payload. */
function canonicalNaN(bits: Uint32Array): void {
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0x7fffffff) > 0x7f800000) bits[i] = 0x7fc00000;
}

/** Writes the rounded image over `image`; whether it is equal to the values. */
function castTo(round: (bits: number) => number, bits: Uint32Array, image: Uint32Array): boolean {
  let changed = 0;
  for (let i = 0; i < bits.length; i++) {
    const rounded = round(bits[i]!);
    changed |= rounded ^ bits[i]!;
    image[i] = rounded;
  }
  return changed === 0;
}

function roundToBf16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc00000;
  return (((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) << 16) >>> 0;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The f32 image of the nearest f16, subnormals and overflow to infinity included. */
function roundToF16(bits: number): number {
  const sign = (bits & 0x80000000) >>> 0;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7fc00000;
  if (magnitude >= 0x477ff000) return (sign | 0x7f800000) >>> 0;
  if (magnitude >= 0x38800000) return (sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1)) & ~0x1fff)) >>> 0;
  // Below 2^-14 the grid is a multiple of 2^-24: adding and subtracting 0.5 rounds to it exactly.
  scratch.setUint32(0, magnitude);
  const rounded = Math.fround(Math.fround(scratch.getFloat32(0) + 0.5) - 0.5);
  scratch.setFloat32(0, rounded);
  return (sign | scratch.getUint32(0)) >>> 0;
}

function hash(bits: Uint32Array): string {
  return toHex(blake3(new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength)).subarray(0, DIGEST_BYTES));
}
