import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/kernels/arena.ts";
import { hamming, hammingMatrix, nearestCodes, packSigns, transposeBits } from "../../../src/kernels/bits.ts";
import { loadKernels } from "../../../src/kernels/load-kernels.ts";
import { matmul } from "../../../src/kernels/matmul.ts";
import { squareSums } from "../../../src/kernels/norms.ts";
import { hammingMatrixPlain } from "../../oracles/hamming.ts";
import { matmulPlain } from "../../oracles/matmul.ts";
import { nearestCodesPlain } from "../../oracles/nearest-codes.ts";
import { squareSumsPlain } from "../../oracles/square-sums.ts";
import { transposeBitsPlain } from "../../oracles/transpose.ts";

/** Inputs larger than one tile of their kernel, so that the seams are crossed. */
const words = (n: number): Uint32Array =>
  Uint32Array.from({ length: n }, (_, i) => Math.imul(i + 1, 0x9e3779b1) ^ (i << 7));
const values = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(i) * 3);

describe("tiles", () => {
  test("Hamming matrix", () => {
    const a = words(300 * 9);
    const b = words(7300 * 9 + 1).subarray(1);
    const found = hammingMatrix(a, 300, b, 7300, 9);
    for (const i of [0, 127, 128, 299]) {
      const row = a.subarray(i * 9, i * 9 + 9);
      expect(found.subarray(i * 7300, (i + 1) * 7300)).toEqual(hammingMatrixPlain(row, 1, b, 7300, 9));
    }
    expect(hamming(a.subarray(0, 9), b.subarray(9, 18))).toBe(found[1]);
  });

  test("code scan", () => {
    const query = new Uint8Array(words(2 * 8).buffer);
    const stored = new Uint8Array(words(40_001 * 8).buffer);
    // Many small owners, one of several tiles, one without codes, the rest.
    const ends = Float64Array.from([...Array(9000).keys()].map((i) => 5 + i).concat(35_000, 35_000, 40_001));
    const found: number[][] = [[], []];
    const expected: number[][] = [[], []];
    const keep = (told: number[][]) => (_: number, count: number, nearest: Uint32Array) => {
      for (const q of [0, 1]) told[q]!.push(...nearest.subarray(q * count, (q + 1) * count));
    };
    nearestCodes(query, stored, 128, 4, ends, keep(found));
    nearestCodesPlain(query, stored, 128, 4, ends, keep(expected));
    expect(found).toEqual(expected);
    expect(found[0]![9001]).toBe(256);
  });

  test.each([
    [8200, 70],
    [70, 8200],
  ])("transposition of %i x %i bits", (m, n) => {
    const bits = words(m * Math.ceil(n / 32));
    expect(transposeBits(bits, m, n)).toEqual(transposeBitsPlain(bits, m, n));
  });

  test("refuses a bit matrix beyond its limit", () => {
    expect(() => transposeBits(new Uint32Array(0), 65_537, 0)).toThrow(expect.objectContaining({ code: "INTERNAL" }));
  });

  test("sign packing", () => {
    const row = values(140_001);
    const packed = packSigns(row);
    const wrong = [...row.keys()].filter((j) => ((packed[j >> 5]! >>> (j & 31)) & 1) !== (row[j]! < 0 ? 1 : 0));
    expect(wrong).toEqual([]);
  });

  // Tiles of all three sizes, then the blocks of rows: too many of them, and too deep for many.
  test.each([
    { rows: 70, depth: 600, columns: 270 },
    { rows: 1030, depth: 5, columns: 9 },
    { rows: 17, depth: 530_000, columns: 1 },
  ])("product $rows x $depth x $columns", (shape) => {
    const a = values(shape.rows * shape.depth);
    const b = values(shape.depth * shape.columns);
    expect(matmul(a, b, shape)).toEqual(matmulPlain(a, b, shape));
  });

  test("sums of squares", () => {
    const matrix = values(301 * 1001);
    expect(squareSums(matrix, 301, 1001)).toEqual(squareSumsPlain(matrix, 301, 1001));
  });
});

describe("Arena", () => {
  test("grows, aligns, and gives back what a scope took", () => {
    const { arena, memory } = loadKernels();
    const before = memory.buffer.byteLength;
    const mark = arena.mark();
    arena.scope(() => {
      const pointer = arena.alloc(before + 1);
      expect(pointer % 64).toBe(0);
      arena.u8(pointer, before + 1).fill(1);
      expect(memory.buffer.byteLength).toBeGreaterThan(before);
    });
    expect(arena.mark()).toBe(mark);
  });

  test("reports memory that cannot grow", () => {
    const memory = {
      buffer: new ArrayBuffer(65_536),
      grow: (): number => {
        throw new RangeError("no more");
      },
    };
    expect(() => new Arena(memory, 0).alloc(100_000)).toThrow(expect.objectContaining({ code: "KERNEL_MEMORY" }));
  });
});
