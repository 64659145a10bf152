import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { DTYPE_BITS } from "../../src/formats/tensor-info.ts";
import { blocksOf, coinBytesOf, type DirectDtype, toEvenOdd } from "../../src/kernels/coins.ts";
import { correlateAt } from "../../src/kernels/correlate.ts";
import { decodeToF32 } from "../../src/kernels/decode.ts";
import { ditherAdd, movableAt, spreadRowAt } from "../../src/kernels/dither.ts";
import { loadKernels } from "../../src/kernels/load-kernels.ts";
import { columnScales } from "../../src/kernels/sinkhorn.ts";
import { coinOf } from "../oracles/coin.ts";
import { columnScalesPlain } from "../oracles/column-scales.ts";
import { correlateRowPlain } from "../oracles/correlate.ts";
import { ditherAddPlain, isMovablePlain } from "../oracles/dither.ts";

const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer, values.byteOffset, values.length);

function noise(seed: number, length: number): Uint8Array {
  let state = seed | 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

const words = (seed: number, length: number): Uint32Array => new Uint32Array(noise(seed, length * 4).buffer);
const normals = (seed: number, n: number): Float32Array => {
  const bytes = noise(seed, n * 4);
  return Float32Array.from(
    { length: n },
    (_, i) => (bytes[4 * i]! + bytes[4 * i + 1]! - bytes[4 * i + 2]! - 127.5) / 97,
  );
};

/** Stored elements, mostly of middling size: high bits of the exponent are kept or cleared together. */
function elements(seed: number, n: number, dtype: DirectDtype, wild: boolean): Uint8Array {
  const width = DTYPE_BITS[dtype] / 8;
  const bytes = noise(seed, n * width);
  const exponent = dtype === "F16" ? 0x38 : 0x3c;
  if (!wild) for (let i = width - 1; i < bytes.length; i += width) bytes[i] = (bytes[i]! & 0x83) | exponent;
  return bytes;
}

const seed = fc.integer();
const dtype = fc.constantFrom<DirectDtype>("BF16", "F16", "F32");
const eights = fc.integer({ min: 1, max: 90 }).map((n) => 8 * n);

describe("correlation", () => {
  test.prop([seed, dtype, fc.integer({ min: 1, max: 5 }), eights, fc.nat(3)])(
    "equals the oracle to the bit",
    (s, type, rows, cols, spare) => {
      const width = DTYPE_BITS[type] / 8;
      const stride = cols * width + 16 * spare;
      const bytes = elements(s, (rows * stride) / width, type, false);
      const factors = normals(s + 1, cols);
      const coins = noise(s + 2, rows * coinBytesOf(cols));
      const kernels = loadKernels();
      const { arena } = kernels;
      const found = arena.scope(() => {
        const pointer = arena.alloc(bytes.length);
        const factor = arena.alloc(cols * 4);
        const coin = arena.alloc(coins.length);
        const out = arena.alloc(rows * blocksOf(cols) * 8);
        arena.u8(pointer, bytes.length).set(bytes);
        arena.u8(coin, coins.length).set(coins);
        toEvenOdd(factors, arena.f32(factor, cols));
        const where = { pointer, rows, stride, cols };
        correlateAt(kernels, where, type, factor, { pointer: coin, stride: coinBytesOf(cols) }, out);
        return arena.f32(out, rows * blocksOf(cols) * 2).slice();
      });
      for (let i = 0; i < rows; i++) {
        const row = decodeToF32(bytes.subarray(i * stride, i * stride + cols * width), type);
        const coinRow = coins.subarray(i * coinBytesOf(cols), (i + 1) * coinBytesOf(cols));
        const blocks = 2 * blocksOf(cols);
        const expected = correlateRowPlain(row, factors, coinRow);
        expect(bitsOf(found.slice(i * blocks, (i + 1) * blocks))).toEqual(bitsOf(expected));
      }
    },
  );

  test.prop([dtype, fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY), fc.nat(255)])(
    "what is not finite shows in the sum of squares",
    (type, value, at) => {
      const code = Number.isNaN(value) ? 0x7fff : type === "F16" ? 0x7c00 : 0x7f80;
      const bytes = new Uint8Array(256 * (DTYPE_BITS[type] / 8));
      const view = new DataView(bytes.buffer);
      if (type === "F32") view.setFloat32(4 * at, value, true);
      else view.setUint16(2 * at, value < 0 ? code | 0x8000 : code, true);
      const kernels = loadKernels();
      const { arena } = kernels;
      arena.scope(() => {
        const pointer = arena.alloc(bytes.length);
        const factor = arena.alloc(1024);
        const coin = arena.alloc(32);
        const out = arena.alloc(8);
        arena.u8(pointer, bytes.length).set(bytes);
        arena.u8(coin, 32).fill(0x5a);
        arena.f32(factor, 256).fill(1);
        const where = { pointer, rows: 1, stride: bytes.length, cols: 256 };
        correlateAt(kernels, where, type, factor, { pointer: coin, stride: 32 }, out);
        expect(Number.isFinite(arena.f32(out, 2)[1])).toBe(false);
      });
    },
  );
});

describe("additions with stochastic rounding", () => {
  const firstIndex = fc.oneof(fc.nat(20), fc.constantFrom(2 ** 33 - 5, 2 ** 33 - 8, 2 ** 40 + 1));

  test.prop([seed, dtype, fc.nat(700), firstIndex, fc.nat(7), fc.boolean()])(
    "equal the oracle to the bit, at any alignment, for wild values too",
    (s, type, n, first, shift, wild) => {
      const width = DTYPE_BITS[type] / 8;
      const bytes = new Uint8Array(n * width + shift);
      bytes.set(elements(s, n, type, wild), shift);
      const expected = bytes.slice();
      const delta = normals(s + 1, n).map((x) => x / 16);
      ditherAdd(bytes.subarray(shift), type, delta, words(s + 2, 4), first);
      ditherAddPlain(expected.subarray(shift), type, delta, words(s + 2, 4), first);
      expect(bytes).toEqual(expected);
    },
  );

  test.prop([seed, dtype, fc.nat(300), fc.nat(300), firstIndex])("do not depend on cuts", (s, type, n, m, first) => {
    const width = DTYPE_BITS[type] / 8;
    const whole = elements(s, n + m, type, false);
    const parts = whole.slice();
    const delta = normals(s + 1, n + m).map((x) => x / 16);
    ditherAdd(whole, type, delta, words(s, 4), first);
    ditherAdd(parts.subarray(0, n * width), type, delta.subarray(0, n), words(s, 4), first);
    ditherAdd(parts.subarray(n * width), type, delta.subarray(n), words(s, 4), first + n);
    expect(parts).toEqual(whole);
  });

  test.prop([seed, dtype, eights, fc.nat(99), fc.boolean()])(
    "of a spread row are those of its deltas, and what may move is counted",
    (s, type, cols, row, wild) => {
      const width = DTYPE_BITS[type] / 8;
      const bytes = elements(s, cols, type, wild);
      const scales = normals(s + 1, cols).map(Math.abs);
      const amplitudes = normals(s + 2, blocksOf(cols)).map((x) => x / 64);
      const coins = noise(s + 3, coinBytesOf(cols));
      const seedWords = words(s + 4, 4);
      const kernels = loadKernels();
      const { arena } = kernels;
      const [found, movable] = arena.scope(() => {
        const at = {
          pointer: arena.alloc(bytes.length),
          cols,
          scales: arena.alloc(cols * 4),
          coins: arena.alloc(coins.length),
          amplitudes: arena.alloc(amplitudes.length * 4),
          seedWords: arena.alloc(12),
        };
        arena.u8(at.pointer, bytes.length).set(bytes);
        arena.u8(at.coins, coins.length).set(coins);
        arena.f32(at.amplitudes, amplitudes.length).set(amplitudes);
        toEvenOdd(scales, arena.f32(at.scales, cols));
        const out = arena.alloc(blocksOf(cols) * 4);
        movableAt(kernels, at.pointer, cols, type, out);
        const counts = arena.u32(out, blocksOf(cols)).slice();
        spreadRowAt(kernels, at, type, seedWords, row * cols);
        return [arena.u8(at.pointer, bytes.length).slice(), counts] as const;
      });
      const delta = Float32Array.from(
        { length: cols },
        (_, j) => coinOf(coins, j) * Math.fround(amplitudes[j >> 8]! * scales[j]!),
      );
      const expected = bytes.slice();
      ditherAddPlain(expected, type, delta, seedWords, row * cols);
      expect(found).toEqual(expected);
      const view = new DataView(bytes.buffer);
      const counts = new Uint32Array(blocksOf(cols));
      for (let j = 0; j < cols; j++) {
        const code = width === 4 ? view.getUint32(4 * j, true) : view.getUint16(2 * j, true);
        if (isMovablePlain(code, type)) counts[j >> 8]! += 1;
      }
      expect(movable).toEqual(counts);
    },
  );

  test.prop([seed, fc.constantFrom<DirectDtype>("BF16", "F16"), fc.double({ min: 1e-4, max: 0.3, noNaN: true })])(
    "are right on average",
    (s, type, size) => {
      const n = 1 << 14;
      // Copies of 1.25: the place of the unit is the same for all.
      const bytes = new Uint8Array(new Uint16Array(n).fill(type === "BF16" ? 0x3fa0 : 0x3d00).buffer);
      ditherAdd(bytes, type, new Float32Array(n).fill(size), words(s, 4), 0);
      const mean = decodeToF32(bytes, type).reduce((sum, x) => sum + x, 0) / n - 1.25;
      const unit = type === "BF16" ? 2 ** -7 : 2 ** -10;
      // Six standard errors of a coin that falls up with the worst probability.
      expect(Math.abs(mean - size)).toBeLessThan((6 * unit) / 2 / Math.sqrt(n));
    },
  );
});

describe("column scales", () => {
  test.prop([
    seed,
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: 70 }),
    fc.integer({ min: -60, max: 60 }),
  ])("equal the oracle to the bit", (s, rows, cols, exponent) => {
    const values = normals(s, rows * cols).map((x) => x * 2 ** exponent);
    if (values.length > 6) values.set([Number.NaN, Number.POSITIVE_INFINITY, 0], 3);
    expect(bitsOf(columnScales(values, rows, cols))).toEqual(bitsOf(columnScalesPlain(values, rows, cols)));
  });

  test.prop([seed, fc.integer({ min: 40, max: 90 }), fc.integer({ min: 40, max: 90 })], { numRuns: 30 })(
    "follow the scales of columns and do not see those of rows",
    (s, rows, cols) => {
      const values = normals(s, rows * cols);
      const size = (seeds: number, n: number): Float32Array => normals(seeds, n).map((x) => 2 ** (2 * x));
      const left = size(s + 1, rows);
      const right = size(s + 2, cols);
      const scaled = values.map((x, i) => x * left[Math.floor(i / cols)]! * right[i % cols]!);
      const before = columnScales(values, rows, cols);
      const ratios = columnScales(scaled, rows, cols).map((x, j) => x / before[j]! / right[j]!);
      const first = ratios[0]!;
      for (const ratio of ratios) expect(Math.abs(ratio / first - 1)).toBeLessThan(1e-2);
    },
  );
});
