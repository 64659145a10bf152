import { describe, expect, test } from "vitest";
import { channelFours } from "../../../src/deep/channel-fours.ts";
import { matmul } from "../../../src/kernels/matmul.ts";
import { log10FoursTail } from "../../../src/numerics/fixed-points.ts";
import { kolmogorovP } from "../../../src/numerics/kolmogorov.ts";
import { normalTail } from "../../../src/numerics/normal.ts";
import { permutation, prng } from "../../../src/numerics/prng.ts";
import { exchangeSum } from "../../../src/numerics/rademacher.ts";
import { randomRotation } from "../../support/obfuscate.ts";

const WIDTH = 32;

function normals(rows: number, seed: string): Float32Array {
  const random = prng(seed);
  return Float32Array.from({ length: rows * WIDTH }, () => random.normal());
}

function noisy(rows: Float32Array, noise: number, seed: string): Float32Array {
  const other = normals(rows.length / WIDTH, seed);
  return rows.map((x, i) => x + noise * other[i]!);
}

/** Blocks of rows in another order. */
function moved(rows: Float32Array, size: number, seed: string): Float32Array {
  const out = new Float32Array(rows.length);
  const step = size * WIDTH;
  permutation(rows.length / step, seed).forEach((from, to) => {
    out.set(rows.subarray(from * step, (from + 1) * step), to * step);
  });
  return out;
}

/** Within each head of so many rows. */
function perHead(rows: Float32Array, size: number, change: (head: Float32Array, at: number) => Float32Array) {
  const out = new Float32Array(rows.length);
  const step = size * WIDTH;
  for (let at = 0; at < rows.length; at += step) out.set(change(rows.subarray(at, at + step), at), at);
  return out;
}

const original = normals(96, "original");
const copy = noisy(original, 0.5, "drift");
const found = (b: Float32Array) => channelFours(original, b, WIDTH)!;
const zOf = (one: { exchanges: Float64Array }): number => exchangeSum([one.exchanges])?.z ?? 0;

describe("channelFours", () => {
  test("a noisy copy has its channels where they were", () => {
    const { labels, fours, fixed, excess, nearest, inPlace } = found(copy);
    expect([labels, fours]).toEqual([96, 24]);
    expect(fixed).toBeGreaterThan(92);
    expect(excess / labels).toBeGreaterThan(0.5);
    expect(inPlace / nearest).toBeGreaterThan(0.95);
    expect(zOf(found(copy))).toBeGreaterThan(6);
  });

  test("signs and lengths of rows are free", () => {
    const random = prng("signs");
    const factors = Float32Array.from({ length: 96 }, () => (random.below(2) - 0.5) * 2 ** random.normal());
    const turned = copy.map((x, i) => x * factors[Math.floor(i / WIDTH)]!);
    const [one, other] = [found(copy), found(turned)];
    expect(other.fixed).toBe(one.fixed);
    expect(other.excess).toBeCloseTo(one.excess, 3);
  });

  test.each([4, 12, 16, 48])("heads of %d channels that were moved are found again", (size) => {
    const { fours, fixed, nearest, inPlace, inFours } = found(moved(copy, size, "heads"));
    expect(fours).toBe(24);
    expect(fixed).toBeGreaterThan(92);
    expect(inFours / nearest).toBeGreaterThan(0.95);
    expect(inPlace / nearest).toBeLessThan(0.7);
  });

  test("a model with other heads, of another number", () => {
    const { fours, fixed } = found(new Float32Array([...normals(64, "more"), ...copy.subarray(0, 48 * WIDTH)]));
    expect(fours).toBeGreaterThanOrEqual(12);
    expect(log10FoursTail(fours, fixed)).toBeLessThan(-9);
  });

  test("silent where channels were renumbered within heads, or values mixed", () => {
    const renumbered = perHead(copy, 16, (head, at) => moved(head, 1, `head ${at}`));
    const mixed = perHead(copy, 16, (head, at) =>
      matmul(randomRotation(16, prng(`mix ${at}`)), head, { rows: 16, depth: 16, columns: WIDTH }),
    );
    for (const b of [renumbered, mixed]) {
      const { fours, fixed } = found(b);
      expect(log10FoursTail(fours, fixed)).toBeGreaterThan(-3);
      expect(Math.abs(zOf(found(b)))).toBeLessThan(3.5);
    }
    expect(found(renumbered).nearest).toBeGreaterThan(0.9 * 96);
    expect(found(renumbered).inFours).toBeLessThan(0.5 * 96);
    expect(found(mixed).nearest).toBeLessThan(0.8 * 96);
  });

  test("z of strangers is standard normal, and no tail is smaller than it may be", () => {
    const draws = 600;
    const strangers = Array.from({ length: draws }, (_, i) =>
      channelFours(normals(64, `a ${i}`), normals(64, `b ${i}`), WIDTH),
    ).filter((one) => one !== null);
    expect(strangers.length).toBeGreaterThan(0.95 * draws);
    const uniform = strangers
      .map(zOf)
      .map((z) => (z > 0 ? 1 - normalTail(z) / 2 : normalTail(z) / 2))
      .sort((x, y) => x - y);
    const distance = Math.max(
      ...uniform.map((u, i) => Math.max(u - i / strangers.length, (i + 1) / strangers.length - u)),
    );
    expect(kolmogorovP(distance, strangers.length)).toBeGreaterThan(0.01);
    for (const level of [-1, -2, -3]) {
      const share = strangers.filter(({ fours, fixed }) => log10FoursTail(fours, fixed) <= level).length / draws;
      expect(share).toBeLessThanOrEqual(10 ** level + 3 * Math.sqrt(10 ** level / draws));
    }
  });

  test("heads that are copies of each other do not multiply evidence", () => {
    const repeated = (seed: string) =>
      new Float32Array(Array.from({ length: 6 }, (_, i) => [...noisy(normals(16, seed), 0.3, `${seed} ${i}`)]).flat());
    for (let i = 0; i < 20; i++) {
      expect(channelFours(repeated(`a ${i}`), normals(96, `b ${i}`), WIDTH)).toBeNull();
      expect(channelFours(normals(96, `a ${i}`), repeated(`b ${i}`), WIDTH)).toBeNull();
    }
  });

  test("empty channels and equal ones say nothing", () => {
    const [a, b] = [original.slice(), original.slice()];
    for (const side of [a, b]) {
      side.fill(0, 0, WIDTH);
      side.copyWithin(4 * WIDTH, 5 * WIDTH, 6 * WIDTH);
    }
    const { fours, fixed } = channelFours(a, b, WIDTH)!;
    expect(fours).toBe(22);
    expect(fixed).toBe(4 * 22);
    const nothing = channelFours(new Float32Array(8 * WIDTH), new Float32Array(8 * WIDTH), WIDTH);
    expect(nothing).toMatchObject({ fours: 0, fixed: 0 });
    const equal = channelFours(new Float32Array(8 * WIDTH).fill(1), new Float32Array(8 * WIDTH).fill(1), WIDTH);
    expect(equal?.fixed ?? 0).toBe(0);
  });
});
