import { fc, test } from "@fast-check/vitest";
import { blake3 as blake3Noble } from "@noble/hashes/blake3.js";
import { describe, expect } from "vitest";
import type { Dtype } from "../../src/formats/tensor-info.ts";
import {
  centredGram,
  hammingMatrix,
  nearestCodes,
  packSigns,
  packZeros,
  transposeBits,
} from "../../src/kernels/bits.ts";
import { Blake3, blake3 } from "../../src/kernels/blake3.ts";
import { blake3Each } from "../../src/kernels/blake3-each.ts";
import { decodeToF32 } from "../../src/kernels/decode.ts";
import { loadKernels } from "../../src/kernels/load-kernels.ts";
import { matmul } from "../../src/kernels/matmul.ts";
import { type Moments, type MomentsDtype, momentsAt } from "../../src/kernels/moments.ts";
import { squareSums } from "../../src/kernels/norms.ts";
import { signGramTrace } from "../../src/kernels/sign-gram.ts";
import { centredGramPlain } from "../oracles/centred-gram.ts";
import { decodePlain } from "../oracles/decode.ts";
import { hammingMatrixPlain } from "../oracles/hamming.ts";
import { matmulPlain } from "../oracles/matmul.ts";
import { momentsPlain } from "../oracles/moments.ts";
import { nearestCodesPlain } from "../oracles/nearest-codes.ts";
import { packSignsPlain, packZerosPlain } from "../oracles/signs.ts";
import { squareSumsPlain } from "../oracles/square-sums.ts";
import { transposeBitsPlain } from "../oracles/transpose.ts";

/** Bytes from a small generator: long inputs without long shrinking. */
function noise(seed: number, length: number): Uint8Array {
  let state = seed | 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

const words = (seed: number, length: number): Uint32Array => new Uint32Array(noise(seed, length * 4).buffer);
const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer, values.byteOffset, values.length);
const normals = (seed: number, n: number): Float32Array => {
  const bytes = noise(seed, n * 4);
  return Float32Array.from(
    { length: n },
    (_, i) => (bytes[4 * i]! + bytes[4 * i + 1]! - bytes[4 * i + 2]! - 127.5) / 97,
  );
};
const seed = fc.integer();

function momentsOfBytes(bytes: Uint8Array, dtype: MomentsDtype, prescale: number): Moments {
  const kernels = loadKernels();
  return kernels.arena.scope(() => {
    const pointer = kernels.arena.alloc(bytes.length);
    kernels.arena.u8(pointer, bytes.length).set(bytes);
    return momentsAt(kernels, pointer, bytes.length / (dtype === "F32" ? 4 : 2), dtype, prescale);
  });
}

describe("decoding", () => {
  const dtypes: Dtype[] = [
    "BF16",
    "F16",
    "F32",
    "F8_E4M3",
    "F8_E5M2",
    "F8_E4M3FNUZ",
    "F8_E5M2FNUZ",
    "F8_E8M0",
    "BOOL",
    "U8",
    "I8",
    "U16",
    "I16",
    "U32",
    "I32",
    "U64",
    "I64",
  ];

  test.prop([fc.constantFrom(...dtypes), fc.uint8Array({ maxLength: 400 }), fc.nat(7)])(
    "equals the oracle to the bit, at any alignment",
    (dtype, bytes, shift) => {
      const shifted = new Uint8Array(bytes.length + shift);
      shifted.set(bytes, shift);
      const whole = shifted.subarray(shift, shift + bytes.length - (bytes.length % 8));
      expect(bitsOf(decodeToF32(whole, dtype))).toEqual(bitsOf(decodePlain(whole, dtype)));
    },
  );

  test.prop([fc.array(fc.double(), { maxLength: 40 })])("F64 is rounded as a Float32Array rounds", (values) => {
    const bytes = new Uint8Array(Float64Array.from(values).buffer);
    expect(decodeToF32(bytes, "F64")).toEqual(Float32Array.from(values));
  });
});

describe("moments", () => {
  const dtype = fc.constantFrom<MomentsDtype>("BF16", "F16", "F32");
  const prescale = fc.constantFrom(1, 2 ** -7, 2 ** 5, 2 ** 20);

  test.prop([dtype, seed, fc.nat(3000), prescale, fc.constantFrom(0x00, 0x03, 0x3f, 0x7f)])(
    "equal the oracle to the bit, NaN and infinities included",
    (type, s, n, scale, exponentMask) => {
      const width = type === "F32" ? 4 : 2;
      const bytes = noise(s, n * width);
      // Fewer exponent bits: mostly finite blocks for some masks, mostly not for others.
      for (let i = width - 1; i < bytes.length; i += width) bytes[i]! &= 0x80 | exponentMask;
      expect(momentsOfBytes(bytes, type, scale)).toEqual(momentsPlain(bytes, type, scale));
    },
  );

  test.prop([seed, fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: -90, max: 60 })])(
    "are within 4.2e-6 of the exact sums of absolute powers",
    (s, n, exponent) => {
      const values = normals(s, n).map((x) => x * 2 ** exponent);
      const found = momentsOfBytes(new Uint8Array(values.buffer), "F32", 2 ** -exponent);
      [found.sum, found.squares, found.cubes, found.fourths].forEach((sum, k) => {
        let exact = 0;
        let absolute = 0;
        for (const x of values) {
          exact += x ** (k + 1);
          absolute += Math.abs(x) ** (k + 1);
        }
        expect(Math.abs(sum - exact)).toBeLessThanOrEqual(4.2e-6 * absolute);
      });
    },
  );
});

describe("packed bits", () => {
  const shape = fc.record({ rows: fc.nat(9), columns: fc.integer({ min: 1, max: 300 }) });

  test.prop([fc.float32Array({ maxLength: 200 }), seed, fc.boolean()])("signs and zeros", (row, s, withGain) => {
    const gain = withGain ? words(s, Math.ceil(row.length / 32)) : null;
    expect(packSigns(row, gain)).toEqual(packSignsPlain(row, gain));
    expect(packZeros(row)).toEqual(packZerosPlain(row));
  });

  test.prop([seed, fc.nat(140), fc.nat(20), fc.nat(9)])("Hamming distances", (s, rowsA, rowsB, n) => {
    const a = words(s, rowsA * n);
    const b = words(s + 1, rowsB * n);
    expect(hammingMatrix(a, rowsA, b, rowsB, n)).toEqual(hammingMatrixPlain(a, rowsA, b, rowsB, n));
  });

  const laneWords = (laneBits: number): number => (laneBits > 64 ? 4 : laneBits > 32 ? 2 : 1);
  /** The bits in use of word i of a code. */
  const used = (i: number, laneBits: number): number => {
    const left = laneBits - 32 * (i % laneWords(laneBits));
    return left <= 0 ? 0 : 0xffffffff >>> (32 - Math.min(left, 32));
  };
  const codes = (s: number, count: number, laneBits: number): Uint8Array =>
    new Uint8Array(words(s, count * 8).map((word, i) => word & used(i, laneBits)).buffer);
  const lane = fc.oneof(fc.constantFrom(32, 64, 128), fc.integer({ min: 1, max: 128 }));

  test.prop([seed, fc.nat(4), fc.array(fc.nat(12), { maxLength: 20 }), lane])(
    "code scans",
    (s, queries, counts, laneBits) => {
      const query = codes(s, queries, laneBits);
      let end = 3;
      const ends = Float64Array.from(counts, (count) => {
        end += count;
        return end;
      });
      const stored = codes(s + 1, end, laneBits);
      const found: [number, number, Uint32Array][] = [];
      const expected: typeof found = [];
      nearestCodes(query, stored, laneBits, 3, ends, (...run) => found.push(run));
      nearestCodesPlain(query, stored, laneBits, 3, ends, (...run) => expected.push(run));
      expect(found).toEqual(expected);
    },
  );

  test.prop([seed, lane, fc.nat(255)])("code scans do not see which lanes were turned", (s, laneBits, lanes) => {
    const [query, stored] = [codes(s, 1, laneBits), codes(s + 1, 20, laneBits)];
    const turned = new Uint32Array(query.slice().buffer).map((word, i) =>
      (lanes >> Math.floor(i / laneWords(laneBits))) & 1 ? word ^ used(i, laneBits) : word,
    );
    const scan = (code: Uint8Array) => {
      const told: number[] = [];
      const each = Float64Array.from({ length: 20 }, (_, i) => i + 1);
      nearestCodes(code, stored, laneBits, 0, each, (_, __, nearest) => told.push(...nearest));
      return told;
    };
    expect(scan(new Uint8Array(turned.buffer))).toEqual(scan(query));
  });

  test.prop([seed, fc.nat(9), fc.integer({ min: 1, max: 1100 }), fc.nat(70)])(
    "BLAKE3 of many messages",
    (s, count, length, gap) => {
      const bytes = noise(s, count * (length + gap));
      const digests = blake3Each(bytes, length + gap, length);
      for (let i = 0; i < count; i++) {
        const start = i * (length + gap);
        expect(digests.subarray(i * 32, i * 32 + 32)).toEqual(blake3Noble(bytes.subarray(start, start + length)));
      }
      expect(digests.length).toBe(count * 32);
    },
  );

  test.prop([seed, fc.nat(150), fc.nat(150), fc.nat(2)])("transposition", (s, m, n, spare) => {
    const stride = Math.ceil(n / 32) + spare;
    const bits = words(s, m * stride);
    expect(transposeBits(bits, m, n, stride)).toEqual(transposeBitsPlain(bits, m, n, stride));
  });

  test.prop([seed, shape])("centred Gram of signs", (s, { rows, columns }) => {
    const n = Math.ceil(columns / 32);
    const packed = words(s, rows * n);
    if (columns % 32 !== 0) for (let i = n - 1; i < packed.length; i += n) packed[i]! &= 2 ** (columns % 32) - 1;
    const gram = centredGram(packed, rows, n, columns);
    const expected = centredGramPlain(packed, rows, n, columns);
    gram.forEach((g, i) => {
      expect(Math.abs(g - expected[i]!)).toBeLessThanOrEqual(1e-12 * columns);
    });
    const trace = expected.reduce((sum, g) => sum + g * g, 0);
    expect(Math.abs(signGramTrace(gram, gram, rows, columns) - trace)).toBeLessThanOrEqual(1e-10 * (1 + trace));
  });
});

describe("f32 matrices", () => {
  test.prop([seed, fc.nat(12), fc.nat(40)])("sums of squares equal the oracle to the bit", (s, rows, columns) => {
    const matrix = normals(s, rows * columns);
    expect(squareSums(matrix, rows, columns)).toEqual(squareSumsPlain(matrix, rows, columns));
  });

  test.prop([seed, fc.nat(70), fc.nat(300), fc.nat(20), fc.boolean()], { numRuns: 60 })(
    "products equal the oracle to the bit",
    (s, rows, depth, columns, transposedB) => {
      const shape = { rows, depth, columns, transposedB };
      const a = normals(s, rows * depth);
      const b = normals(s + 1, depth * columns);
      expect(bitsOf(matmul(a, b, shape))).toEqual(bitsOf(matmulPlain(a, b, shape)));
    },
  );
});

describe("blake3", () => {
  test.prop([seed, fc.oneof(fc.nat(3000), fc.nat(200_000))], { numRuns: 200 })(
    "equals the implementation of @noble/hashes",
    (s, length) => {
      const bytes = noise(s, length);
      expect(blake3(bytes)).toEqual(blake3Noble(bytes));
    },
  );

  test.prop([seed, fc.array(fc.nat(5000), { maxLength: 8 })], { numRuns: 60 })(
    "does not depend on how the input is cut",
    (s, lengths) => {
      const bytes = noise(
        s,
        lengths.reduce((sum, n) => sum + n, 0),
      );
      const hash = new Blake3();
      let at = 0;
      for (const n of lengths) {
        hash.update(bytes.subarray(at, at + n));
        at += n;
      }
      expect(hash.digest()).toEqual(blake3Noble(bytes));
    },
  );
});
