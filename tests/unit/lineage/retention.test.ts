import { describe, expect, test } from "vitest";
import type { Slice } from "../../../src/fingerprint/fingerprint.ts";
import { SLICE_BLOCK, sliceValues } from "../../../src/fingerprint/slice.ts";
import { learnedStructure } from "../../../src/lineage/learned-structure.ts";
import { median, sliceRetention } from "../../../src/lineage/retention.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { unit } from "../../support/random-model.ts";

const [HEIGHT, WIDTH] = [64, 96];
const MATRIX = { role: "q", layer: 3 } as const;

function sliceOf(values: Float32Array, gain: Float32Array | null = null): Slice {
  const blocks = WIDTH / SLICE_BLOCK;
  const scale = new Float32Array(HEIGHT * blocks);
  const q = new Int8Array(values.length);
  for (let b = 0; b < scale.length; b++) {
    const part = values.subarray(b * SLICE_BLOCK, (b + 1) * SLICE_BLOCK);
    scale[b] = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
    part.forEach((x, i) => {
      q[b * SLICE_BLOCK + i] = scale[b] === 0 ? 0 : Math.round(x / scale[b]!);
    });
  }
  return { sketch: 0, firstRow: 0, height: HEIGHT, width: WIDTH, q, scale, gain };
}

function noise(seed: number | string, size = 1): Float32Array {
  const random = prng(`slice ${seed}`);
  return Float32Array.from({ length: HEIGHT * WIDTH }, () => size * random.normal());
}

function add(a: Float32Array, b: Float32Array, weight = 1): Float32Array {
  return a.map((x, i) => x + weight * b[i]!);
}

/** Eight directions of falling size. */
function learned(seed: number, size: number): Float32Array {
  const random = prng(`learned ${seed}`);
  const out = new Float32Array(HEIGHT * WIDTH);
  for (let k = 0; k < 8; k++) {
    const [u, v] = [unit(HEIGHT, random), unit(WIDTH, random)];
    for (let i = 0; i < out.length; i++) out[i]! += size * (2 - k / 8) * u[Math.floor(i / WIDTH)]! * v[i % WIDTH]!;
  }
  return out;
}

/** Singular triples by one-sided Jacobi rotations of the rows: another method than the library's. */
function jacobi(a: ArrayLike<number>): { s: number; u: number[]; v: number[] }[] {
  const rows = Array.from({ length: HEIGHT }, (_, i) => Array.from({ length: WIDTH }, (_, j) => a[i * WIDTH + j]!));
  const left = rows.map((_, i) => rows.map((_, j) => (i === j ? 1 : 0)));
  const dot = (x: number[], y: number[]): number => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let p = 0; p < HEIGHT; p++) {
      for (let q = p + 1; q < HEIGHT; q++) {
        const [pp, qq, pq] = [dot(rows[p]!, rows[p]!), dot(rows[q]!, rows[q]!), dot(rows[p]!, rows[q]!)];
        if (Math.abs(pq) <= 1e-14 * Math.sqrt(pp * qq)) continue;
        off++;
        const tau = (qq - pp) / (2 * pq);
        const t = Math.sign(tau || 1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
        const [c, s] = [1 / Math.sqrt(1 + t * t), t / Math.sqrt(1 + t * t)];
        for (const m of [rows, left]) {
          const [x, y] = [m[p]!, m[q]!];
          m[p] = x.map((value, i) => c * value - s * y[i]!);
          m[q] = x.map((value, i) => s * value + c * y[i]!);
        }
      }
    }
    if (off === 0) break;
  }
  return rows
    .map((row, i) => {
      const s = Math.sqrt(dot(row, row));
      return { s, u: left[i]!, v: row.map((x) => x / s) };
    })
    .sort((x, y) => y.s - x.s);
}

function plain(a: Float32Array, b: Float32Array) {
  const top = jacobi(a).slice(0, 8);
  const through = ({ u, v }: { u: number[]; v: number[] }): number =>
    u.reduce((sum, x, i) => sum + x * v.reduce((s, y, j) => s + y * b[i * WIDTH + j]!, 0), 0);
  const inner = top.reduce((sum, t) => sum + t.s * through(t), 0);
  const energy = top.reduce((sum, t) => sum + t.s * t.s, 0);
  const [aa, ab, bb] = [
    a.reduce((s, x) => s + x * x, 0),
    a.reduce((s, x, i) => s + x * b[i]!, 0),
    b.reduce((s, x) => s + x * x, 0),
  ];
  const residual = Math.sqrt(a.reduce((s, x, i) => s + (b[i]! - (ab / aa) * x) ** 2, 0));
  return {
    top: inner / energy,
    bulk: (ab - inner) / (aa - energy),
    scale: ab / aa,
    reverseScale: ab / bb,
    drift: residual / (Math.abs(ab / aa) * Math.sqrt(aa)),
  };
}

describe("retention of a slice", () => {
  const base = add(noise(1), learned(1, 30));

  test.each([
    ["a fine-tune", add(base, noise(2, 0.2))],
    ["another training of the same start", add(noise(1), learned(2, 30))],
    ["an average with a stranger", add(base, noise(3), 0.8)],
  ])("is the plain formula: %s", (_, suspect) => {
    const [a, b] = [sliceOf(base), sliceOf(suspect)];
    const expected = plain(sliceValues(a, false), sliceValues(b, false));
    const found = sliceRetention(b, a, MATRIX)!;
    for (const key of ["top", "bulk", "scale", "reverseScale", "drift"] as const) {
      expect(found[key]).toBeCloseTo(expected[key], 6);
    }
    expect(found.ratio).toBeCloseTo(expected.top / expected.bulk, 6);
    expect(found).toMatchObject(MATRIX);
  });

  test("tells a derivative from another training of the same start", () => {
    const of = (suspect: Float32Array): number => sliceRetention(sliceOf(suspect), sliceOf(base), MATRIX)!.ratio!;
    expect(of(add(base, noise(2, 0.5)))).toBeGreaterThan(0.9);
    expect(of(base.map((x) => (Math.abs(x) < 0.5 ? 0 : x)))).toBeGreaterThan(0.9);
    expect(of(add(noise(1), learned(2, 30)))).toBeLessThan(0.5);
  });

  test("has no ratio where nothing of the bulk is left", () => {
    expect(sliceRetention(sliceOf(add(noise(7), learned(7, 30))), sliceOf(base), MATRIX)!.ratio).toBeNull();
  });

  test("folds gains of both sides or of neither", () => {
    const gain = Float32Array.from({ length: WIDTH }, (_, j) => 2 ** ((j % 5) - 2) * (j % 3 === 0 ? -1 : 1));
    const refolded = base.map((x, i) => x / gain[i % WIDTH]!);
    const folded = sliceRetention(
      sliceOf(refolded, gain),
      sliceOf(
        base,
        gain.map(() => 1),
      ),
      MATRIX,
    )!;
    expect(folded.ratio).toBeCloseTo(1, 2);
    expect(folded.drift).toBeLessThan(0.05);
    expect(sliceRetention(sliceOf(refolded, gain), sliceOf(base), MATRIX)!.drift).toBeGreaterThan(0.5);
  });

  test("is null for a slice without variation, and finite for the largest values", () => {
    expect(sliceRetention(sliceOf(new Float32Array(base.length)), sliceOf(base), MATRIX)).toBeNull();
    const huge = base.map((x) => x * 2 ** 110);
    for (const retention of [
      sliceRetention(sliceOf(huge), sliceOf(base), MATRIX),
      sliceRetention(sliceOf(huge), sliceOf(huge), MATRIX),
    ]) {
      expect(Number.isFinite(retention!.ratio)).toBe(true);
    }
  });

  test("is null where scale and gain overflow together, and has no rank where the scale alone does", () => {
    const gain = (value: number): Float32Array => new Float32Array(WIDTH).fill(value);
    const loud = sliceOf(base.map((x) => x * 2 ** 120));
    expect(sliceRetention({ ...loud, gain: gain(2 ** 30) }, sliceOf(base, gain(1)), MATRIX)).toBeNull();
    expect(sliceRetention(sliceOf(base, gain(1)), { ...loud, gain: gain(2 ** 30) }, MATRIX)).toBeNull();
    const scale = loud.scale.map(() => 2 ** 127);
    const found = sliceRetention({ ...loud, scale, gain: gain(2 ** -40) }, sliceOf(base, gain(1)), MATRIX);
    expect(found!.rank).toBeNull();
  });

  test.each([1, 4, 16])("shows the rank of a low-rank change: %i", (rank) => {
    const random = prng(`rank ${rank}`);
    const delta = new Float32Array(base.length);
    for (let k = 0; k < rank; k++) {
      const [u, v] = [unit(HEIGHT, random), unit(WIDTH, random)];
      for (let i = 0; i < delta.length; i++) delta[i]! += 20 * u[Math.floor(i / WIDTH)]! * v[i % WIDTH]!;
    }
    expect(sliceRetention(sliceOf(add(base, delta)), sliceOf(base), MATRIX)!.rank).toBe(rank);
  });

  test("calls no rank low that noise fills, and none where nothing changed", () => {
    expect(sliceRetention(sliceOf(add(base, noise(5, 0.3))), sliceOf(base), MATRIX)!.rank).toBeNull();
    expect(sliceRetention(sliceOf(base), sliceOf(base), MATRIX)!.rank).toBe(0);
  });
});

describe("learned structure", () => {
  test("stays about 1 for noise, whatever the sizes of its rows and columns, and shows a learned direction", () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = prng(`scales ${seed}`);
      const columns = Array.from({ length: WIDTH }, () => Math.exp(random.normal()));
      const scaled = noise(`x${seed}`).map((x, i) => x * columns[i % WIDTH]!);
      expect(learnedStructure(scaled, HEIGHT, WIDTH)).toBeLessThan(1.05);
    }
    expect(learnedStructure(add(noise(1), learned(1, 30)), HEIGHT, WIDTH)).toBeGreaterThan(1.5);
  });
});

test("median", () => {
  expect(median([])).toBeNull();
  expect(median([3])).toBe(3);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});
