import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { isSync } from "../../src/bytes/byte-source.ts";
import { memorySource } from "../../src/bytes/memory-source.ts";
import { decodedSource } from "../../src/decoding/decoded-source.ts";
import type { Decoder } from "../../src/decoding/decoder.ts";
import { constantNumbers, plainNumbers, type Stored } from "../../src/decoding/quantised/numbers.ts";
import { packedRows } from "../../src/decoding/quantised/packed-rows.ts";
import { scaled } from "../../src/decoding/quantised/scaled.ts";
import { awqCodes, gptqCodes } from "../../src/decoding/quantised/upright-codes.ts";
import { loadKernels } from "../../src/kernels/load-kernels.ts";
import { decodePlain } from "../oracles/decode.ts";
import { nibblesPlain, uprightCode } from "../oracles/packed-blocks.ts";

/** Values on both sides of those that are asked for, which stay what they are. */
const AROUND = 1 << 12;

/** Bytes of a file, and tensors that lie in it. */
class Shelf {
  bytes = new Uint8Array(0);

  put(data: ArrayBufferView, dtype: Stored["dtype"], shape: readonly number[]): Stored {
    const begin = this.bytes.length;
    const end = begin + data.byteLength;
    const bytes = new Uint8Array(end);
    bytes.set(this.bytes);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), begin);
    this.bytes = bytes;
    return { name: `${begin}`, dtype, shape, begin, end, file: 0 };
  }

  /** Values [first, first + count) of a decoder, written to memory of JavaScript or where kernels lie. */
  read(decoder: Decoder, first: number, count: number, inside = false): Float32Array {
    const stored = decoder.ranges(first, count).map(({ start, end }) => this.bytes.slice(start, end));
    if (!inside) {
      const out = new Float32Array(count);
      decoder.decode(stored, first, count, out);
      return out;
    }
    const { arena } = loadKernels();
    return arena.scope(() => {
      const at = arena.alloc(4 * (count + 2 * AROUND));
      const around = arena.f32(at, count + 2 * AROUND).fill(7);
      decoder.decode(stored, first, count, around.subarray(AROUND, AROUND + count));
      const others = [around.subarray(0, AROUND), around.subarray(AROUND + count)];
      expect(others.every((part) => part.every((value) => value === 7))).toBe(true);
      return around.slice(AROUND, AROUND + count);
    });
  }
}

function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 8;
  };
}

const bitsOf = (values: Float32Array): string => Buffer.from(values.slice().buffer).toString("hex");
/** Of all magnitudes, zeros and infinities included. */
const floats = (next: () => number, count: number): Float32Array =>
  Float32Array.from({ length: count }, () => {
    const kind = next() % 16;
    if (kind === 0) return 0;
    if (kind === 1) return -1e38;
    return ((next() % 2001) - 1000) * 2 ** ((next() % 60) - 40);
  });

/** The same and what nobody stores: NaN, infinities, the largest and the smallest. */
const hostile = (next: () => number, count: number): Float32Array => {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3.4e38, 2 ** -149, -(2 ** -130), -0];
  return floats(next, count).map((value) => (next() % 4 === 0 ? odd[next() % odd.length]! : value));
};
/** Bits, but that one NaN is as good as another. */
const bitsButNan = (values: Float32Array): string =>
  bitsOf(values.map((value) => (Number.isNaN(value) ? Number.NaN : value)));

/** Where a read begins and ends, as shares of what there is: numbers that are drawn as such are nearly all close to 0. */
const share = fc.nat(1000).map((part) => part / 1000);
const window = fc.tuple(share, share);

function spanOf([a, b]: readonly [number, number], elements: number): readonly [first: number, count: number] {
  const [from, to] = [Math.floor(Math.min(a, b) * (elements - 1)), Math.floor(Math.max(a, b) * (elements - 1))];
  return [from, to - from + 1];
}

describe("what kernels make of packed codes is to the bit what plain code does", () => {
  const form = fc.record({
    seed: fc.integer(),
    rows: fc.integer({ min: 1, max: 5 }),
    blocks: fc.integer({ min: 1, max: 4 }),
    size: fc.constantFrom(32, 64, 96, 33, 40),
    less: fc.integer({ min: 0, max: 9 }),
    highFirst: fc.boolean(),
    zeros: fc.boolean(),
    biases: fc.boolean(),
    reads: fc.array(window, { minLength: 1, maxLength: 4 }),
  });

  test.prop([form], { numRuns: 80 })("of nibbles with a table", (given) => {
    const { seed, rows, blocks, size, less, highFirst } = given;
    const next = generator(seed);
    const cols = blocks * size - less;
    const rowBytes = Math.ceil(cols / 2) + (next() % 3);
    const shelf = new Shelf();
    const codes = Array.from({ length: rows * cols }, () => next() & 15);
    const packed = new Uint8Array(rows * rowBytes);
    codes.forEach((code, i) => {
      const [row, col] = [Math.floor(i / cols), i % cols];
      packed[row * rowBytes + (col >> 1)]! |= code << ((col % 2 === 1) === highFirst ? 0 : 4);
    });
    const table = floats(next, 16);
    const numbers = () => floats(next, rows * blocks);
    const [scales, zeros, biases] = [numbers(), given.zeros ? numbers() : null, given.biases ? numbers() : null];
    const stored = (values: Float32Array) => plainNumbers(shelf.put(values, "F32", [values.length]));
    const decoder = scaled({
      cols,
      codes: packedRows({
        tensor: shelf.put(packed, "U8", [packed.length]),
        cols,
        bits: 4,
        rowBytes,
        table,
        highFirst,
      }),
      scale: { numbers: stored(scales), across: blocks, cols: size, rowOf: (row) => row },
      zero: zeros === null ? undefined : stored(zeros),
      bias: biases === null ? undefined : stored(biases),
    });
    const expected = new Float32Array(rows * cols);
    for (let row = 0; row < rows; row++) {
      const of = (values: Float32Array | null) => values?.subarray(row * blocks, (row + 1) * blocks) ?? null;
      const own = { size, scales: of(scales)!, zeros: of(zeros), biases: of(biases) };
      expected.set(nibblesPlain(codes.slice(row * cols, (row + 1) * cols), table, own), row * cols);
    }
    for (const read of [[0, 1] as const, ...given.reads]) {
      const [first, count] = spanOf(read, rows * cols);
      expect(bitsOf(shelf.read(decoder, first, count))).toBe(bitsOf(expected.subarray(first, first + count)));
    }
  });

  const bytes = fc.record({
    dtype: fc.constantFrom("F8_E4M3" as const, "F8_E5M2" as const),
    // Rows that have a row of scales together.
    high: fc.constantFrom(1, 2, 3),
    kind: fc.constantFrom("ordinary", "special", "hostile"),
    inside: fc.boolean(),
  });

  test.prop([form, bytes], { numRuns: 120 })(
    "of floats of a byte with scales",
    (given, { dtype, high, kind, inside }) => {
      const { seed, rows, blocks, size, less, reads } = given;
      const next = generator(seed);
      const cols = blocks * size - (seed % 2 === 0 ? 0 : less);
      const shelf = new Shelf();
      const special = dtype === "F8_E4M3" ? 0x7f : 0x7c;
      const codes = Uint8Array.from({ length: rows * cols }, () => {
        const code = next() & 255;
        return kind === "ordinary" && (code & 127) >= special ? 0 : code;
      });
      const scales = (kind === "hostile" ? hostile : floats)(next, Math.ceil(rows / high) * blocks);
      const decoder = scaled({
        cols,
        codes: plainNumbers(shelf.put(codes, dtype, [rows, cols])),
        scale: {
          numbers: plainNumbers(shelf.put(scales, "F32", [Math.ceil(rows / high), blocks])),
          across: blocks,
          cols: size,
          rowOf: (row) => Math.floor(row / high),
        },
      });
      const expected = decodePlain(codes, dtype).map((value, i) => {
        const row = Math.floor(i / cols / high);
        return value * scales[row * blocks + Math.floor((i % cols) / size)]!;
      });
      for (const read of [[0, 1] as const, ...reads]) {
        const [first, count] = spanOf(read, rows * cols);
        const found = shelf.read(decoder, first, count, inside);
        expect(bitsButNan(found)).toBe(bitsButNan(expected.subarray(first, first + count)));
      }
    },
  );

  const upright = fc.record({
    seed: fc.integer(),
    packed: fc.constantFrom<"inputs" | "rows">("inputs", "rows"),
    rows: fc.integer({ min: 1, max: 5 }),
    groups: fc.integer({ min: 1, max: 3 }),
    size: fc.constantFrom(32, 64, 24, 8),
    wide: fc.boolean(),
    hostile: fc.boolean(),
    inside: fc.boolean(),
    reads: fc.array(window, { minLength: 1, maxLength: 4 }),
  });

  test.prop([upright], { numRuns: 120 })("of codes that stand upright", (given) => {
    const { seed, packed, groups, size, wide, inside, reads } = given;
    const next = generator(seed);
    // Beyond a row of 4 KiB the columns that are wanted are read alone.
    const rows = (packed === "rows" ? 8 : 3) * given.rows + (wide ? (packed === "rows" ? 8200 : 1100) : 0);
    const into = groups * (wide ? 32 : size);
    const own = wide ? 32 : size;
    const shelf = new Shelf();
    const words = Uint32Array.from({ length: (rows * into) / 8 }, () => (next() << 12) ^ next());
    const tensor = shelf.put(words, "I32", packed === "inputs" ? [into / 8, rows] : [into, rows / 8]);
    const [scales, zeros] = [
      (given.hostile ? hostile : floats)(next, rows * groups),
      Float32Array.from({ length: rows * groups }, () => next() % 17),
    ];
    const decoder = scaled({
      cols: into,
      codes: packed === "inputs" ? gptqCodes(tensor, rows, into, 4) : awqCodes(tensor, rows, into),
      scale: {
        numbers: plainNumbers(shelf.put(scales, "F32", [rows, groups])),
        across: groups,
        cols: own,
        rowOf: (row) => row,
      },
      zero: plainNumbers(shelf.put(zeros, "F32", [rows, groups])),
    });
    for (const read of [[0, 1] as const, ...reads]) {
      const [first, all] = spanOf(read, rows * into);
      const count = Math.min(all, 4096);
      const expected = Float32Array.from({ length: count }, (_, i) => {
        const [row, input] = [Math.floor((first + i) / into), (first + i) % into];
        const at = row * groups + Math.floor(input / own);
        return (uprightCode(words, packed, rows, row, input) - zeros[at]!) * scales[at]!;
      });
      expect(bitsButNan(shelf.read(decoder, first, count, inside))).toBe(bitsButNan(expected));
    }
  });

  const linears = fc.array(
    fc.record({
      packed: fc.constantFrom<"inputs" | "rows">("inputs", "rows"),
      eights: fc.integer({ min: 1, max: 80 }),
      groups: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 2, maxLength: 3 },
  );
  const visits = fc.array(fc.tuple(fc.nat(2), window), { minLength: 3, maxLength: 8 });

  test.prop([fc.integer(), linears, visits], { numRuns: 25 })(
    "of upright linears that are read in turns",
    (seed, drawn, reads) => {
      const next = generator(seed);
      const shelf = new Shelf();
      const made = drawn.map(({ packed, eights, groups }) => {
        const [rows, into] = [8 * eights, 32 * groups];
        const words = Uint32Array.from({ length: (rows * into) / 8 }, () => (next() << 12) ^ next());
        const tensor = shelf.put(words, "I32", packed === "inputs" ? [into / 8, rows] : [into, rows / 8]);
        // What lies between is not read, and nothing need be aligned.
        shelf.put(new Uint8Array(next() % 9), "U8", [1]);
        const scales = floats(next, rows * groups);
        const numbers = plainNumbers(shelf.put(scales, "F32", [rows, groups]));
        const decoder = scaled({
          cols: into,
          codes: packed === "inputs" ? gptqCodes(tensor, rows, into, 4) : awqCodes(tensor, rows, into),
          scale: { numbers, across: groups, cols: 32, rowOf: (row) => row },
          zero: constantNumbers(8),
        });
        const expected = Float32Array.from({ length: rows * into }, (_, i) => {
          const [row, input] = [Math.floor(i / into), i % into];
          return (uprightCode(words, packed, rows, row, input) - 8) * scales[row * groups + Math.floor(input / 32)]!;
        });
        return { decoder, expected };
      });
      const begins = made.map((_, i) => made.slice(0, i).reduce((sum, { expected }) => sum + expected.byteLength, 0));
      const parts = made.map(({ decoder, expected }, i) => ({ begin: begins[i]!, elements: expected.length, decoder }));
      const source = decodedSource(parts, [memorySource(shelf.bytes)], "decoded");
      if (!isSync(source)) throw new Error("memory is read at once");
      const { arena } = loadKernels();
      for (const [which, read] of reads) {
        const { expected } = made[which % made.length]!;
        const [first, count] = spanOf(read, expected.length);
        const at = begins[which % made.length]! + 4 * first;
        const wanted = bitsOf(expected.subarray(first, first + count));
        const out = new Float32Array(count);
        source.readIntoSync(new Uint8Array(out.buffer), at);
        expect(bitsOf(out)).toBe(wanted);
        arena.scope(() => {
          const there = arena.alloc(4 * count);
          source.readIntoSync(arena.u8(there, 4 * count), at);
          expect(bitsOf(arena.f32(there, count))).toBe(wanted);
        });
      }
    },
  );

  test("of rows with a scale for each column, of which no row's are read for another one", async () => {
    const next = generator(3);
    const [rows, cols] = [5, 20_000];
    const shelf = new Shelf();
    const codes = Uint8Array.from({ length: rows * cols }, () => next() & 255);
    const scales = floats(next, cols);
    const decoder = scaled({
      cols,
      codes: plainNumbers(shelf.put(codes, "U8", [rows, cols])),
      scale: { numbers: plainNumbers(shelf.put(scales, "F32", [cols])), across: cols, cols: 1, rowOf: () => 0 },
    });
    const file = memorySource(shelf.bytes);
    let read = 0;
    const counted = {
      ...file,
      readIntoSync(target: Uint8Array, start: number) {
        read += target.length;
        file.readIntoSync(target, start);
      },
    };
    const source = decodedSource([{ begin: 0, elements: rows * cols, decoder }], [counted], "decoded");
    if (!isSync(source)) throw new Error("memory is read at once");
    const found = new Float32Array(1000);
    source.readIntoSync(new Uint8Array(found.buffer), (2 * cols - 500) * 4);
    const expected = Float32Array.from({ length: 1000 }, (_, i) => {
      return codes[2 * cols - 500 + i]! * scales[(2 * cols - 500 + i) % cols]!;
    });
    expect(bitsOf(found)).toBe(bitsOf(expected));
    expect(read).toBe(5 * 1000);
  });

  test.each([
    ["of rows longer than a tile, and of more groups than it has room for", 29_984],
    ["of rows too long to be laid out", 65_536],
  ])("%s", (_, into) => {
    const next = generator(5);
    const [rows, size] = [16, 16];
    for (const packed of ["inputs", "rows"] as const) {
      const own = packed === "inputs" ? 32 : size;
      const groups = Math.ceil(into / own);
      const shelf = new Shelf();
      const words = Uint32Array.from({ length: (rows * into) / 8 }, () => (next() << 12) ^ next());
      const tensor = shelf.put(words, "I32", packed === "inputs" ? [into / 8, rows] : [into, rows / 8]);
      const scales = floats(next, rows * groups);
      const decoder = scaled({
        cols: into,
        codes: packed === "inputs" ? gptqCodes(tensor, rows, into, 4) : awqCodes(tensor, rows, into),
        scale: {
          numbers: plainNumbers(shelf.put(scales, "F32", [rows, groups])),
          across: groups,
          cols: own,
          rowOf: (row) => row,
        },
        zero: constantNumbers(7),
      });
      for (const [first, count, inside] of [
        [into - 100, 2 * into + 300, false],
        [0, 9 * into, true],
      ] as const) {
        const expected = Float32Array.from({ length: count }, (_, i) => {
          const [row, input] = [Math.floor((first + i) / into), (first + i) % into];
          return (uprightCode(words, packed, rows, row, input) - 7) * scales[row * groups + Math.floor(input / own)]!;
        });
        const found = shelf.read(decoder, first, count, inside);
        expect(Buffer.from(found.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
      }
    }
  });
});
