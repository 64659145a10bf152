import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Dtype } from "../../../src/formats/tensor-info.ts";
import { blake3 } from "../../../src/kernels/blake3.ts";
import { decodeToF32 } from "../../../src/kernels/decode.ts";
import { fullPass, fullPassLater } from "../../../src/kernels/full-pass.ts";
import { loadKernels } from "../../../src/kernels/load-kernels.ts";
import { emptyMoments, prescaleFor } from "../../../src/kernels/moments.ts";

const sourceOf = (bytes: Uint8Array) => ({
  readIntoSync: (target: Uint8Array, start: number): void => {
    target.set(bytes.subarray(start, start + target.length));
  },
});

/** bf16 values of about +-2^exponent, three pieces and a bit of them. */
function bf16(n: number, exponent: number): Uint8Array {
  const words = new Uint32Array(Float32Array.from({ length: n }, (_, i) => Math.sin(i * 1.7) * 2 ** exponent).buffer);
  return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
}

describe("fullPass", () => {
  test("hashes the range and takes its moments", () => {
    const bytes = bf16(900_003, -6);
    const pass = fullPass(sourceOf(bytes), 2, bytes.length - 4, "BF16");
    const range = bytes.subarray(2, bytes.length - 4);
    expect(pass.digest).toEqual(blake3(range));
    const values = decodeToF32(range, "BF16");
    const squares = values.reduce((sum, x) => sum + x * x, 0);
    expect(pass.moments?.finite).toBe(values.length);
    expect(Math.abs(pass.moments!.squares / squares - 1)).toBeLessThan(1e-6);
    expect(pass.moments?.max).toBe(values.reduce((a, b) => Math.max(a, b)));
    expect(pass.moments?.min).toBe(values.reduce((a, b) => Math.min(a, b)));
  });

  test.each([-130, -60, -20, 0, 40, 120])("fourth powers neither vanish nor overflow at 2^%i", (exponent) => {
    const bytes = bf16(4096, exponent);
    const { moments } = fullPass(sourceOf(bytes), 0, bytes.length, "BF16");
    const fourths = decodeToF32(bytes, "BF16").reduce((sum, x) => sum + x ** 4, 0);
    expect(Math.abs(moments!.fourths / fourths - 1)).toBeLessThan(1e-6);
  });

  test("the prescale follows values that grow from piece to piece", () => {
    const small = bf16(1 << 18, -80);
    const large = bf16(1 << 18, 60);
    const bytes = Uint8Array.from([...small, ...large]);
    const { moments } = fullPass(sourceOf(bytes), 0, bytes.length, "BF16");
    const fourths = decodeToF32(large, "BF16").reduce((sum, x) => sum + x ** 4, 0);
    expect(Math.abs(moments!.fourths / fourths - 1)).toBeLessThan(1e-6);
  });

  test("merges the moments of its pieces and counts what is not finite", () => {
    const values = new Float32Array(600_000).fill(0.5);
    values.set([Number.NaN, Infinity, -Infinity, 0, -0, -3], 300_000);
    const bytes = new Uint8Array(values.buffer);
    expect(fullPass(sourceOf(bytes), 0, bytes.length, "F32").moments).toEqual({
      finite: 599_997,
      zeros: 2,
      nan: 1,
      plusInfinity: 1,
      minusInfinity: 1,
      sum: 599_994 / 2 - 3,
      squares: 599_994 / 4 + 9,
      cubes: 599_994 / 8 - 27,
      fourths: 599_994 / 16 + 81,
      min: -3,
      max: 0.5,
      absMax: 3,
    });
  });

  test.each<Dtype>(["F64", "F8_E4M3", "F8_E5M2FNUZ", "I8", "U16"])("%s is decoded first", (dtype) => {
    const bytes = new Uint8Array(400_000);
    for (let i = 0; i < bytes.length; i++)
      bytes[i] = dtype === "F64" ? [0, 0, 0, 0, 0, 0, i & 0xff, 0x3f][i % 8]! : i % 120;
    const { moments } = fullPass(sourceOf(bytes), 0, bytes.length, dtype);
    const values = decodeToF32(bytes, dtype);
    expect([moments?.finite, moments?.max, moments?.min]).toEqual([
      values.length,
      values.reduce((a, b) => Math.max(a, b)),
      values.reduce((a, b) => Math.min(a, b)),
    ]);
    const squares = values.reduce((sum, x) => sum + x * x, 0);
    expect(Math.abs(moments!.squares / squares - 1)).toBeLessThan(1e-6);
  });

  test("types without a decoding are only hashed", () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
    expect(fullPass(sourceOf(bytes), 0, 100, "F4")).toEqual({ digest: blake3(bytes), moments: null });
  });

  test("an empty range has the digest of nothing", () => {
    const pass = fullPass(sourceOf(new Uint8Array(0)), 0, 0, "F32");
    expect(pass).toEqual({ digest: blake3(new Uint8Array(0)), moments: emptyMoments() });
  });

  test("gives all memory back, also when the source fails", () => {
    const { arena } = loadKernels();
    const mark = arena.mark();
    const failing = {
      readIntoSync: (): void => {
        throw new Error("gone");
      },
    };
    expect(() => fullPass(failing, 0, 10, "BF16")).toThrow("gone");
    fullPass(sourceOf(new Uint8Array(10)), 0, 10, "F8_E4M3");
    expect(arena.mark()).toBe(mark);
  });
});

describe("prescaleFor", () => {
  test.each([1, 2, 3.99, 2 ** -20, 1e-30, 1e30, 0.7])("brings %d into [1, 2)", (absMax) => {
    const scaled = absMax * prescaleFor(absMax);
    expect(scaled).toBeGreaterThanOrEqual(1);
    expect(scaled).toBeLessThan(2);
  });

  test("is 1 when there is nothing to scale, and stays a normal f32", () => {
    expect(prescaleFor(0)).toBe(1);
    expect(prescaleFor(2 ** -149)).toBe(2 ** 126);
    expect(prescaleFor(2 ** 127)).toBe(2 ** -126);
  });
});

describe("fullPassLater", () => {
  /** Answers late, with the ranges that it was asked for. */
  const lateSource = (bytes: Uint8Array) => {
    const asked: number[] = [];
    const read = async (start: number, end: number) => {
      asked.push(start);
      await setImmediate();
      return bytes.slice(start, end);
    };
    return { asked, read };
  };
  const MIB = 1 << 20;

  test.each<[Dtype, number]>([
    ["BF16", 9 * MIB + 4],
    ["F64", 4 * MIB],
    ["F8_E4M3", 4 * MIB + 1],
    ["U64", 16],
    ["F32", 0],
  ])("is fullPass, to the bit: %s of %i bytes", async (dtype, size) => {
    const bytes = bf16(size / 2 + 3, -6).subarray(0, size + 3);
    const { asked, read } = lateSource(bytes);
    // Two at a time: neither holds memory of the kernels while it waits.
    const passes = await Promise.all([
      fullPassLater({ read }, 3, size + 3, dtype),
      fullPassLater({ read }, 3, size + 3, dtype),
    ]);
    const expected = fullPass(sourceOf(bytes), 3, size + 3, dtype);
    expect(passes).toEqual([expected, expected]);
    expect(asked).toHaveLength(2 * Math.ceil(size / (4 * MIB)));
  });

  test("ends with its signal, and with its source", async () => {
    const { asked, read } = lateSource(new Uint8Array(20 * MIB));
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(fullPassLater({ read }, 0, 20 * MIB, "F32", signal)).rejects.toThrow("enough");
    expect(asked.length).toBeLessThanOrEqual(1);
    const broken = async (start: number) => {
      if (start > 0) throw new Error("reset");
      return read(start, 4 * MIB);
    };
    await expect(fullPassLater({ read: broken }, 0, 20 * MIB, "F32")).rejects.toThrow("reset");
  });
});
