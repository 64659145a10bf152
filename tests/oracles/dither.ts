import { DTYPE_BITS } from "../../src/formats/tensor-info.ts";
import type { DirectDtype } from "../../src/kernels/coins.ts";

/** Bits of f32 below the last place of the type, and the f32 magnitudes that are its normal numbers. */
const ROUNDING = {
  BF16: { below: 16, first: 1 << 23, end: 255 << 23 },
  F16: { below: 13, first: 113 << 23, end: 143 << 23 },
  F32: { below: 0, first: 1 << 23, end: 255 << 23 },
} as const;

const scratch = new DataView(new ArrayBuffer(4));

function bitsOf(x: number): number {
  scratch.setFloat32(0, x);
  return scratch.getUint32(0);
}

function floatOf(bits: number): number {
  scratch.setUint32(0, bits >>> 0);
  return scratch.getFloat32(0);
}

/** 32 random bits for the two elements 2 `pair` and 2 `pair` + 1; see the kernel's source for their making. */
function pairHash(pair: number, seed: Uint32Array): number {
  const epoch = Math.floor(pair / 2 ** 32);
  let x = (pair % 2 ** 32) ^ seed[0]! ^ Math.imul(epoch, seed[3]! | 1);
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d) ^ seed[1]!;
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b) + seed[2]!;
  return (x ^ (x >>> 16)) >>> 0;
}

/** The 16 random bits of an element. */
function randomBits(index: number, seed: Uint32Array): number {
  const bits = pairHash(Math.floor(index / 2), seed);
  return index % 2 === 0 ? bits & 0xffff : bits >>> 16;
}

/** The f32 bits of w + delta as the type may hold them, or those of w where it has to stay. */
function movedBits(wBits: number, delta: number, random: number, dtype: DirectDtype): number {
  const { below, first, end } = ROUNDING[dtype];
  const normal = (bits: number): boolean => (bits & 0x7fffffff) >= first && (bits & 0x7fffffff) < end;
  const mask = 2 ** below - 1;
  const t = bitsOf(Math.fround(floatOf(wBits) + delta));
  const moved = (((t + (random & mask)) & ~mask) >>> 0) % 2 ** 32;
  const stays = !normal(wBits) || !normal(moved) || ((wBits ^ moved) & 0x80000000) !== 0;
  return stays ? wBits : moved;
}

/** f32 bits of a stored element; f16 numbers that are not normal give 0. */
function widen(code: number, dtype: DirectDtype): number {
  if (dtype === "F32") return code;
  if (dtype === "BF16") return (code << 16) >>> 0;
  const exponent = (code >> 10) & 31;
  if (exponent === 0 || exponent === 31) return 0;
  return (((code & 0x8000) << 16) | ((((code & 0x7fff) << 13) + (112 << 23)) & 0x7fffffff)) >>> 0;
}

function narrow(bits: number, dtype: DirectDtype): number {
  if (dtype === "F32") return bits;
  if (dtype === "BF16") return bits >>> 16;
  return (((bits & 0x7fffffff) - (112 << 23)) >>> 13) | ((bits >>> 16) & 0x8000);
}

/** `ditherAdd` in plain TypeScript, bit for bit. */
export function ditherAddPlain(
  bytes: Uint8Array,
  dtype: DirectDtype,
  delta: Float32Array,
  seed: Uint32Array,
  firstIndex: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = DTYPE_BITS[dtype] === 32;
  for (let i = 0; i < delta.length; i++) {
    const code = wide ? view.getUint32(4 * i, true) : view.getUint16(2 * i, true);
    const before = widen(code, dtype);
    const after = movedBits(before, delta[i]!, randomBits(firstIndex + i, seed), dtype);
    if (after === before) continue;
    if (wide) view.setUint32(4 * i, after, true);
    else view.setUint16(2 * i, narrow(after, dtype), true);
  }
}

/** Whether the element with this code may be moved at all: a normal number. */
export function isMovablePlain(code: number, dtype: DirectDtype): boolean {
  const { first, end } = ROUNDING[dtype];
  const size = widen(code, dtype) & 0x7fffffff;
  return size >= first && size < end;
}
