/** BLAKE3 in plain TypeScript, by the recursive definition of the paper's section 2: the yardstick for the SIMD kernel. */

const IV = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
const COLUMNS_AND_DIAGONALS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];
const CHUNK = 1024;
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;

/** The 32-byte BLAKE3 digest of `bytes`. */
export function blake3Plain(bytes: Uint8Array): Uint8Array {
  const words = subtree(bytes, 0, ROOT);
  const digest = new Uint8Array(32);
  const view = new DataView(digest.buffer);
  words.forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  return digest;
}

/** Chaining value of a subtree: its left part is the largest power of two of chunks that leaves something to the right. */
function subtree(bytes: Uint8Array, firstChunk: number, root: number): number[] {
  if (bytes.length <= CHUNK) return chunkValue(bytes, firstChunk, root);
  let left = CHUNK;
  while (left * 2 < bytes.length) left *= 2;
  const pair = [
    ...subtree(bytes.subarray(0, left), firstChunk, 0),
    ...subtree(bytes.subarray(left), firstChunk + left / CHUNK, 0),
  ];
  return compress(IV, pair, 0, 64, PARENT | root);
}

function chunkValue(bytes: Uint8Array, index: number, root: number): number[] {
  let value = IV;
  const blocks = Math.max(1, Math.ceil(bytes.length / 64));
  for (let b = 0; b < blocks; b++) {
    const block = new Uint8Array(64);
    const part = bytes.subarray(64 * b, 64 * b + 64);
    block.set(part);
    const view = new DataView(block.buffer);
    const message = Array.from({ length: 16 }, (_, i) => view.getUint32(4 * i, true));
    const flags = (b === 0 ? CHUNK_START : 0) | (b === blocks - 1 ? CHUNK_END | root : 0);
    value = compress(value, message, index, part.length, flags);
  }
  return value;
}

function compress(chaining: number[], block: number[], counter: number, length: number, flags: number): number[] {
  const v = [...chaining, ...IV.slice(0, 4), counter | 0, Math.floor(counter / 2 ** 32) | 0, length, flags];
  let m = block;
  for (let round = 0; round < 7; round++) {
    COLUMNS_AND_DIAGONALS.forEach(([a, b, c, d], i) => {
      quarterRound(v, a!, b!, c!, d!, m[2 * i]!, m[2 * i + 1]!);
    });
    m = PERMUTATION.map((from) => m[from]!);
  }
  return chaining.map((_, i) => (v[i]! ^ v[i + 8]!) >>> 0);
}

function quarterRound(v: number[], a: number, b: number, c: number, d: number, x: number, y: number): void {
  v[a] = (v[a]! + v[b]! + x) | 0;
  v[d] = rotateRight(v[d]! ^ v[a]!, 16);
  v[c] = (v[c]! + v[d]!) | 0;
  v[b] = rotateRight(v[b]! ^ v[c]!, 12);
  v[a] = (v[a]! + v[b]! + y) | 0;
  v[d] = rotateRight(v[d]! ^ v[a]!, 8);
  v[c] = (v[c]! + v[d]!) | 0;
  v[b] = rotateRight(v[b]! ^ v[c]!, 7);
}

function rotateRight(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
