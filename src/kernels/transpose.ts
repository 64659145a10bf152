import { WeightmarkError } from "../errors.ts";
import { loadKernels } from "./load-kernels.ts";

/** Largest side, and the side of a tile: 8 MiB in, 8 MiB out. */
const LIMIT = 65_536;
const TILE = 8192;

/**
 * Transposes a bit matrix: bit j of row i (rows of `words` 32-bit words, `n` bits used) becomes bit i of row j (rows of
 * ceil(m / 32) words, unused bits 0). m and n are at most 65,536.
 */
export function transposeBits(bits: Uint32Array, m: number, n: number, words: number = Math.ceil(n / 32)): Uint32Array {
  if (m > LIMIT || n > LIMIT || words * 32 < n || bits.length < m * words) {
    throw new WeightmarkError("INTERNAL", `no bit matrix of ${m} rows and ${n} columns in ${bits.length} words`);
  }
  const { arena, exports } = loadKernels();
  const outWords = Math.ceil(m / 32);
  const out = new Uint32Array(n * outWords);
  arena.scope(() => {
    const side = (length: number): number => Math.ceil(Math.min(TILE, length) / 32);
    const from = arena.alloc(side(m) * 32 * side(n) * 4);
    const to = arena.alloc(side(n) * 32 * side(m) * 4);
    for (let i = 0; i < m; i += TILE) {
      for (let j = 0; j < n; j += TILE) {
        const rows = Math.min(TILE, m - i);
        const columns = Math.min(TILE, n - j);
        const wordsIn = Math.ceil(columns / 32);
        const wordsOut = Math.ceil(rows / 32);
        const source = arena.u32(from, wordsOut * 32 * wordsIn);
        // A tile as wide as the matrix is one run of words: a view for every row costs more than its words.
        if (wordsIn === words) source.set(bits.subarray(i * words, (i + rows) * words));
        else {
          for (let r = 0; r < rows; r++) {
            const start = (i + r) * words + j / 32;
            source.set(bits.subarray(start, start + wordsIn), r * wordsIn);
          }
        }
        source.fill(0, rows * wordsIn);
        exports.transposeBits(from, wordsOut * 32, wordsIn * 4, wordsIn * 4, to, wordsOut * 4);
        const result = arena.u32(to, columns * wordsOut);
        if (wordsOut === outWords) {
          out.set(result, j * outWords);
          continue;
        }
        for (let c = 0; c < columns; c++) {
          out.set(result.subarray(c * wordsOut, (c + 1) * wordsOut), (j + c) * outWords + i / 32);
        }
      }
    }
  });
  return out;
}
