import { blake3 } from "../kernels/blake3.ts";
import type { ValueDigest } from "./fingerprint.ts";
import { toHex } from "./hex.ts";

const DIGEST_BYTES = 16;

/** Digests of values as they are and as a cast to f16 or bf16 (round to nearest, ties to even) would leave them. */
export function digestValues(values: Float32Array): ValueDigest {
  const bits = withoutPayloads(new Uint32Array(values.buffer, values.byteOffset, values.length));
  const image = scratchImage(bits.length);
  const f32 = hash(bits);
  return {
    f32,
    f16: castToF16(bits, image) ? f32 : hash(image),
    bf16: castToBf16(bits, image) ? f32 : hash(image),
  };
}

/** Casts keep NaN but not its payload: the bits with one kind of NaN, copied only where there is another. */
function withoutPayloads(bits: Uint32Array): Uint32Array {
  let copy: Uint32Array | null = null;
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i]! & 0x7fffffff) <= 0x7f800000) continue;
    copy ??= bits.slice();
    copy[i] = 0x7fc00000;
  }
  return copy ?? bits;
}

/** Memory for images up to this many values is kept: some hundreds of kilobytes for every matrix add up. */
const KEPT_IMAGE = 1 << 18;
let keptImage = new Uint32Array(0);

function scratchImage(length: number): Uint32Array {
  if (length > KEPT_IMAGE) return new Uint32Array(length);
  if (keptImage.length < length) keptImage = new Uint32Array(length);
  return keptImage.subarray(0, length);
}

/** Writes the bf16 images of the values over `image`; whether they equal the values. */
function castToBf16(bits: Uint32Array, image: Uint32Array): boolean {
  let used = 0;
  for (let i = 0; i < bits.length; i++) used |= bits[i]!;
  // What was stored as bf16 has nothing to round.
  if ((used & 0xffff) === 0) return true;
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const isNumber = (word & 0x7fffffff) <= 0x7f800000;
    image[i] = isNumber ? ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) << 16 : word;
  }
  return false;
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/**
 * Writes the f32 images of the nearest f16 over `image`, subnormals and overflow to infinity included; whether they equal
 * the values. One loop without calls: this sees every sampled value.
 */
function castToF16(bits: Uint32Array, image: Uint32Array): boolean {
  let changed = 0;
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const magnitude = word & 0x7fffffff;
    let rounded = magnitude;
    if (magnitude >= 0x38800000) {
      if (magnitude < 0x477ff000) rounded = (magnitude + 0xfff + ((magnitude >>> 13) & 1)) & ~0x1fff;
      else if (magnitude <= 0x7f800000) rounded = 0x7f800000;
    } else if (magnitude > 0) {
      // Below 2^-14 the grid is a multiple of 2^-24: adding and subtracting 0.5 rounds to it exactly.
      scratchBits[0] = magnitude;
      scratch[0] = Math.fround(Math.fround(scratch[0]! + 0.5) - 0.5);
      rounded = scratchBits[0]!;
    }
    changed |= rounded ^ magnitude;
    image[i] = rounded | (word & 0x80000000);
  }
  return changed === 0;
}

function hash(bits: Uint32Array): string {
  return toHex(blake3(new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength)).subarray(0, DIGEST_BYTES));
}
