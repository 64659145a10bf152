/**
 * Weights from a seed, at any offset and without state: the bytes of an AES-CTR keystream, two for each value, choose from
 * a table of normal values. Models of different seeds have nothing in common, as models that were trained apart.
 */
import { createCipheriv, createHash } from "node:crypto";
import { fillGaussian, xorshift } from "../support/random.mjs";

const BLOCK = 16;
const SIGMA = 0.02;
const BITS = new Uint32Array(1);
const FLOAT = new Float32Array(BITS.buffer);
const NORMAL = fillGaussian(new Float32Array(65_536), xorshift(1), SIGMA);
const NORMAL_BF16 = Uint16Array.from(NORMAL, toBf16);

/** Rounded to nearest, ties to even. */
export function toBf16(value) {
  FLOAT[0] = value;
  return (BITS[0] + 0x7fff + ((BITS[0] >>> 16) & 1)) >>> 16;
}

export function fromBf16(half) {
  BITS[0] = half << 16;
  return FLOAT[0];
}

/** Pseudo-random bytes [start, end) of an endless stream. */
export function keystream(seed, start, end) {
  const key = createHash("sha256").update(seed).digest().subarray(0, 16);
  const first = Math.floor(start / BLOCK);
  const counter = Buffer.alloc(BLOCK);
  counter.writeBigUInt64BE(BigInt(first), 8);
  const cipher = createCipheriv("aes-128-ctr", key, counter);
  return cipher.update(Buffer.alloc(end - first * BLOCK)).subarray(start - first * BLOCK);
}

/** `count` normal values in f32, of standard deviation SIGMA. */
export function normals(seed, count) {
  const bytes = keystream(seed, 0, 2 * count);
  return Float32Array.from({ length: count }, (_, i) => NORMAL[bytes.readUInt16LE(2 * i)]);
}

/**
 * Bytes [start, end) of the data of a model: matrices of normal values, vectors (gains of norms) a little above 1.
 *
 * @param vectors byte ranges of the vectors in the data, ascending
 */
export function dataBytes(seed, vectors, start, end) {
  // Whole values, so that a byte's value never depends on where a range begins.
  const [from, to] = [start - (start % 2), end + (end % 2)];
  const bytes = Buffer.from(keystream(seed, from, to));
  for (let at = 0; at < bytes.length; at += 2) bytes.writeUInt16LE(NORMAL_BF16[bytes.readUInt16LE(at)], at);
  for (const vector of vectors) {
    const [low, high] = [Math.max(from, vector.start), Math.min(to, vector.end)];
    if (low >= high) continue;
    const gains = keystream(`${seed} gains`, low, high);
    for (let i = 0; i + 1 < gains.length; i += 2) bytes.writeUInt16LE(0x3f80 + (gains[i] & 15), low - from + i);
  }
  return bytes.subarray(start - from, end - from);
}

/** Byte ranges of the vectors in the data of a file that holds `tensors`. */
export function vectorsOf(tensors) {
  const vectors = [];
  let at = 0;
  for (const { shape, bytes } of tensors) {
    if (shape.length === 1) vectors.push({ start: at, end: at + bytes });
    at += bytes;
  }
  return vectors;
}
