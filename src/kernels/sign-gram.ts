import { hammingMatrix, popcount32 } from "./hamming.ts";

const TILE = 128;

/**
 * Gram matrix of centred sign rows: `packed` holds m rows of n signs (bit 1 is -1, unused bits 0) in rows of `words`
 * 32-bit words; every row has its mean over the n columns subtracted. f64 [m x m]:
 * G_ij = n - 2 hamming(i, j) - s_i s_j / n with s the row sums, integers up to the one division.
 */
export function centredGram(packed: Uint32Array, m: number, words: number, n: number): Float64Array {
  const sums = rowSums(packed, m, words, n);
  const gram = new Float64Array(m * m);
  for (let first = 0; first < m; first += TILE) {
    // One triangle is enough: a tile of rows against itself and what follows, mirrored.
    const rows = packed.subarray(first * words);
    const count = Math.min(TILE, m - first);
    const distances = hammingMatrix(rows, count, rows, m - first, words);
    for (let block = first; block < m; block += TILE) {
      const end = Math.min(m, block + TILE);
      for (let i = first; i < first + count; i++) {
        const at = (i - first) * (m - first) - first;
        for (let j = Math.max(i, block); j < end; j++) {
          const value = n - 2 * distances[at + j]! - (sums[i]! * sums[j]!) / n;
          gram[i * m + j] = value;
          gram[j * m + i] = value;
        }
      }
    }
  }
  return gram;
}

/** What a permutation test needs of two Gram matrices. */
export interface GramProduct {
  /** tr(G_A G_B). */
  readonly trace: number;
  /** tr(G_A) and tr(G_B). */
  readonly normA: number;
  readonly normB: number;
}

/**
 * Whether sums over products of entries of two centred Gram matrices of m rows of n signs are exact, so that their order
 * does not matter: for n a power of two, entries are multiples of 1 / n no larger than n, their products of 1 / n^2.
 */
function isExact(m: number, n: number): boolean {
  return Number.isInteger(Math.log2(n)) && m * m * n ** 4 < 2 ** 53;
}

/** tr(A B) of two centred Gram matrices of m rows of n signs: as summed in row-major order, to the bit. */
export function signGramTrace(a: Float64Array, b: Float64Array, m: number, n: number): number {
  let trace = 0;
  if (!isExact(m, n)) {
    for (let k = 0; k < m * m; k++) trace += a[k]! * b[k]!;
    return trace;
  }
  for (let i = 0; i < m; i++) {
    let even = 0;
    let odd = 0;
    const end = (i + 1) * m;
    let k = i * m + i + 1;
    for (; k + 1 < end; k += 2) {
      even += a[k]! * b[k]!;
      odd += a[k + 1]! * b[k + 1]!;
    }
    if (k < end) even += a[k]! * b[k]!;
    trace += a[i * m + i]! * b[i * m + i]! + 2 * (even + odd);
  }
  return trace;
}

/** Products of up to this many pairs of rows are kept in memory that is used again: fresh pages cost as much as the sums. */
const KEPT_PAIRS = 1 << 21;
let keptProducts = new Float64Array(0);

/**
 * The traces of the centred Gram matrices of `a` and `b` (see `centredGram`), equal to the bit to those summed in row-major
 * order over both matrices, which are never formed: only the products of their entries are, half of them computed, and
 * none kept where sums are exact.
 */
export function gramProduct(a: Uint32Array, b: Uint32Array, m: number, words: number, n: number): GramProduct {
  const sumsA = rowSums(a, m, words, n);
  const sumsB = rowSums(b, m, words, n);
  const exact = isExact(m, n);
  const products = scratch(exact ? 0 : m * m);
  const distancesA = new Uint32Array(Math.min(TILE, m) * m);
  const distancesB = new Uint32Array(Math.min(TILE, m) * m);
  let [normA, normB, diagonal, right] = [0, 0, 0, 0];
  for (let first = 0; first < m; first += TILE) {
    const count = Math.min(TILE, m - first);
    const width = m - first;
    const [rowsA, rowsB] = [a.subarray(first * words), b.subarray(first * words)];
    hammingMatrix(rowsA, count, rowsA, width, words, distancesA);
    hammingMatrix(rowsB, count, rowsB, width, words, distancesB);
    // Block by block, so that the mirrored half is written while its lines are in the cache.
    for (let block = first; block < m; block += TILE) {
      const end = Math.min(m, block + TILE);
      for (let i = first; i < first + count; i++) {
        const at = (i - first) * width - first;
        const [sumA, sumB] = [sumsA[i]!, sumsB[i]!];
        if (block === first) {
          const [ownA, ownB] = [n - (sumA * sumA) / n, n - (sumB * sumB) / n];
          normA += ownA;
          normB += ownB;
          diagonal += ownA * ownB;
          if (!exact) products[i * m + i] = ownA * ownB;
        }
        for (let j = Math.max(i + 1, block); j < end; j++) {
          const valueA = n - 2 * distancesA[at + j]! - (sumA * sumsA[j]!) / n;
          const valueB = n - 2 * distancesB[at + j]! - (sumB * sumsB[j]!) / n;
          const product = valueA * valueB;
          if (exact) right += product;
          else {
            products[i * m + j] = product;
            products[j * m + i] = product;
          }
        }
      }
    }
  }
  if (exact) return { trace: diagonal + 2 * right, normA, normB };
  let trace = 0;
  for (let k = 0; k < m * m; k++) trace += products[k]!;
  return { trace, normA, normB };
}

function scratch(length: number): Float64Array {
  if (length > KEPT_PAIRS) return new Float64Array(length);
  if (keptProducts.length < length) keptProducts = new Float64Array(length);
  return keptProducts;
}

function rowSums(packed: Uint32Array, m: number, words: number, n: number): Float64Array {
  const sums = new Float64Array(m).fill(n);
  for (let i = 0; i < m; i++) {
    for (let w = i * words; w < (i + 1) * words; w++) sums[i]! -= 2 * popcount32(packed[w]!);
  }
  return sums;
}
