import { describe, expect, test } from "vitest";
import type { Slice } from "../../../src/fingerprint/fingerprint.ts";
import { SLICE_BLOCK, sliceValues } from "../../../src/fingerprint/slice.ts";
import { learnedRetention, showsTraining } from "../../../src/lineage/learned-retention.ts";
import { median, type RetentionSums, sliceRetention } from "../../../src/lineage/retention.ts";
import { sharesTraining } from "../../../src/lineage/shares-training.ts";
import { medianOfNoise, signalShare } from "../../../src/numerics/marchenko-pastur.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { unit } from "../../support/random-model.ts";

const [HEIGHT, WIDTH] = [64, 96];
const MATRIX = { role: "q", layer: 3 } as const;

function sliceOf(
  values: Float32Array,
  gain: Float32Array | null = null,
  [height, width] = [HEIGHT, WIDTH] as [number, number],
): Slice {
  const scale = new Float32Array(values.length / SLICE_BLOCK);
  const q = new Int8Array(values.length);
  for (let b = 0; b < scale.length; b++) {
    const part = values.subarray(b * SLICE_BLOCK, (b + 1) * SLICE_BLOCK);
    scale[b] = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
    part.forEach((x, i) => {
      q[b * SLICE_BLOCK + i] = scale[b] === 0 ? 0 : Math.round(x / scale[b]!);
    });
  }
  return { sketch: 0, firstRow: 0, height, width, q, scale, gain };
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

/** Rows, then columns, brought to unit RMS; twice. */
function normalised(values: Float32Array): { row: number[]; col: number[] } {
  const row = Array<number>(HEIGHT).fill(1);
  const col = Array<number>(WIDTH).fill(1);
  const at = (i: number, j: number): number => values[i * WIDTH + j]! * row[i]! * col[j]!;
  for (let round = 0; round < 2; round++) {
    row.forEach((_, i) => {
      row[i]! /= Math.sqrt(col.reduce((sum, _x, j) => sum + at(i, j) ** 2, 0) / WIDTH);
    });
    col.forEach((_, j) => {
      col[j]! /= Math.sqrt(row.reduce((sum, _x, i) => sum + at(i, j) ** 2, 0) / HEIGHT);
    });
  }
  return { row, col };
}

/** Learned retention of `a` in `b` by its definition. */
function plain(a: Float32Array, b: Float32Array) {
  const { row, col } = normalised(a);
  const scaled = (x: Float32Array) => x.map((value, k) => value * row[Math.floor(k / WIDTH)]! * col[k % WIDTH]!);
  const [own, other] = [Float64Array.from(scaled(a)), scaled(b)];
  const triples = jacobi(own);
  const through = ({ u, v }: { u: number[]; v: number[] }): number =>
    u.reduce((sum, x, i) => sum + x * v.reduce((s, y, j) => s + y * other[i * WIDTH + j]!, 0), 0);
  const g = HEIGHT / WIDTH;
  const sigma = (triples[31]!.s + triples[32]!.s) / 2 / (medianOfNoise(g) * Math.sqrt(WIDTH));
  const lower = triples.slice(32);
  const bulk = lower.reduce((sum, t) => sum + t.s * through(t), 0) / lower.reduce((sum, t) => sum + t.s * t.s, 0);
  const clear = triples.slice(0, 16).filter((t) => t.s > 1.08 * sigma * (Math.sqrt(HEIGHT) + Math.sqrt(WIDTH)));
  const shares = clear.map((t) => signalShare(t.s / (sigma * Math.sqrt(WIDTH)), g));
  const numerator = clear.reduce(
    (sum, t, i) => sum + shares[i]! * (t.s * through(t) - t.s * t.s * bulk * (1 - shares[i]!)),
    0,
  );
  const denominator = clear.reduce((sum, t, i) => sum + (shares[i]! * t.s) ** 2, 0);
  return { share: numerator / denominator, bulk, directions: clear.length };
}

const shareOf = ({ numerator, denominator }: RetentionSums): number => numerator / denominator;

describe("retention of a slice", () => {
  const base = add(noise(1), learned(1, 30));

  test.each([
    ["a fine-tune", add(base, noise(2, 0.2))],
    ["another training of the same start", add(noise(1), learned(2, 30))],
    ["an average with a stranger", add(base, noise(3), 0.8)],
  ])("is the plain formula, both ways round: %s", (_, suspect) => {
    const [a, b] = [sliceOf(base), sliceOf(suspect)];
    const [x, y] = [sliceValues(a, false), sliceValues(b, false)];
    const found = sliceRetention(b, a, MATRIX)!;
    for (const [sums, expected] of [
      [found.forward, plain(x, y)],
      [found.backward, plain(y, x)],
    ] as const) {
      expect(shareOf(sums)).toBeCloseTo(expected.share, 5);
      expect(sums.bulk).toBeCloseTo(expected.bulk, 5);
      expect(sums.directions).toBe(expected.directions);
    }
    const dot = (u: Float32Array, v: Float32Array): number => u.reduce((sum, value, i) => sum + value * v[i]!, 0);
    const [aa, ab, bb] = [dot(x, x), dot(x, y), dot(y, y)];
    expect(found.scale).toBeCloseTo(ab / aa, 6);
    expect(found.reverseScale).toBeCloseTo(ab / bb, 6);
    const rest = Math.sqrt(x.reduce((sum, value, i) => sum + (y[i]! - (ab / aa) * value) ** 2, 0));
    expect(found.drift).toBeCloseTo(rest / (Math.abs(ab / aa) * Math.sqrt(aa)), 6);
    expect(found).toMatchObject(MATRIX);
  });

  test("is the same, sides exchanged, when the two are", () => {
    const [a, b] = [sliceOf(base), sliceOf(add(base, noise(3), 0.8))];
    const [there, back] = [sliceRetention(b, a, MATRIX)!, sliceRetention(a, b, MATRIX)!];
    expect(back.forward).toEqual(there.backward);
    expect(back.backward).toEqual(there.forward);
    expect([back.scale, back.reverseScale]).toEqual([there.reverseScale, there.scale]);
  });

  test("folds gains of both sides or of neither", () => {
    const gain = Float32Array.from({ length: WIDTH }, (_, j) => 2 ** ((j % 5) - 2) * (j % 3 === 0 ? -1 : 1));
    const refolded = base.map((x, i) => x / gain[i % WIDTH]!);
    const one = gain.map(() => 1);
    const folded = sliceRetention(sliceOf(refolded, gain), sliceOf(base, one), MATRIX)!;
    expect(shareOf(folded.forward)).toBeCloseTo(1, 2);
    expect(folded.drift).toBeLessThan(0.05);
    expect(sliceRetention(sliceOf(refolded, gain), sliceOf(base), MATRIX)!.drift).toBeGreaterThan(0.5);
  });

  test("is null for a slice without variation, and finite for the largest values", () => {
    expect(sliceRetention(sliceOf(new Float32Array(base.length)), sliceOf(base), MATRIX)).toBeNull();
    const huge = base.map((x) => x * 2 ** 110);
    for (const retention of [
      sliceRetention(sliceOf(huge), sliceOf(base), MATRIX),
      sliceRetention(sliceOf(base), sliceOf(huge), MATRIX),
      sliceRetention(sliceOf(huge), sliceOf(huge), MATRIX),
    ]) {
      expect(Number.isFinite(shareOf(retention!.forward))).toBe(true);
      expect(Number.isFinite(shareOf(retention!.backward))).toBe(true);
    }
  });

  test("is null where scale and gain overflow together, and has no rank where the scale alone does", () => {
    const gain = (value: number): Float32Array => new Float32Array(WIDTH).fill(value);
    const loud = sliceOf(base.map((x) => x * 2 ** 120));
    expect(sliceRetention({ ...loud, gain: gain(2 ** 30) }, sliceOf(base, gain(1)), MATRIX)).toBeNull();
    expect(sliceRetention(sliceOf(base, gain(1)), { ...loud, gain: gain(2 ** 30) }, MATRIX)).toBeNull();
    const scale = loud.scale.map(() => 2 ** 127);
    const found = sliceRetention({ ...loud, scale, gain: gain(2 ** -40) }, sliceOf(base, gain(1)), MATRIX);
    expect(found!.rank).toEqual({ kind: "noise" });
  });
});

describe("learned retention over slices", () => {
  const SLICES = 8;
  const start = (seed: string, i: number) => noise(`${seed} start ${i}`);
  const training = (seed: number, i: number) => learned(1000 * seed + i, 30);
  const trained = (i: number) => add(start("one", i), training(1, i));
  const sibling = (i: number) => add(start("one", i), training(2, i));
  const stranger = (i: number) => add(start("two", i), training(3, i));
  const mix = (a: Float32Array, b: Float32Array, weight: number) => a.map((x, k) => weight * x + (1 - weight) * b[k]!);
  const over = (suspect: (i: number) => Float32Array, base: (i: number) => Float32Array = trained) =>
    learnedRetention(
      Array.from({ length: SLICES }, (_, i) => sliceRetention(sliceOf(suspect(i)), sliceOf(base(i)), MATRIX)!),
    )!;
  /** Within five standard errors, and what int8 and a finite slice leave. */
  const expectShare = ({ share, error }: { share: number; error: number }, expected: number) => {
    expect(Math.abs(share - expected)).toBeLessThan(5 * error + 0.03);
  };

  test("is 1 in itself and in what was tuned, rounded, pruned or scaled", () => {
    for (const suspect of [
      trained,
      (i: number) => add(trained(i), noise(`tuning ${i}`, 0.5)),
      (i: number) => trained(i).map((x) => Math.round(2 * x) / 2),
    ]) {
      const found = over(suspect);
      const { forward } = found;
      expectShare(forward, 1);
      expect(Math.abs(forward.bulk - 1)).toBeLessThan(0.1);
      expect(forward).toMatchObject({ slices: SLICES });
      expect(forward.directions).toBeGreaterThan(5);
      expect(sharesTraining(found, true)).toBe(true);
    }
    const halved = over((i) => trained(i).map((x) => 0.5 * x));
    expectShare(halved.forward, 1);
    expectShare(halved.backward, 1);
    expect(sharesTraining(halved, true)).toBe(true);
    // One matrix multiplied, the next divided: the model stays the same, and b must not look uneven.
    const traded = over((i) => trained(i).map((x) => (i % 2 === 0 ? 3 * x : x / 3)));
    expectShare(traded.forward, 1);
    expect(traded.forward.spread).toBeLessThan(0.05);
    expect(sharesTraining(traded, true)).toBe(true);
  });

  test("is 0 in a stranger, and in another training of the same start, which keeps the start", () => {
    const strangers = over(stranger);
    for (const side of [strangers.forward, strangers.backward]) {
      expectShare(side, 0);
      expect(Math.abs(side.bulk)).toBeLessThan(0.1);
    }
    expect(sharesTraining(strangers, true)).toBe(false);
    const siblings = over(sibling);
    for (const side of [siblings.forward, siblings.backward]) {
      expectShare(side, 0);
      expect(side.bulk).toBeGreaterThan(0.8);
    }
    expect(sharesTraining(siblings, true)).toBe(false);
  });

  test.each([0.9, 0.5, 0.3, 0.1])("is the share of an average with a stranger: %d", (weight) => {
    const found = over((i) => mix(trained(i), stranger(i), weight));
    expectShare(found.forward, weight);
    expect(Math.abs(found.forward.bulk - weight)).toBeLessThan(0.1);
    expect(sharesTraining(found, true)).toBe(true);
    expect(sharesTraining({ ...found, forward: found.backward, backward: found.forward }, true)).toBe(true);
  });

  test.each([0.9, 0.5, 0.1])("is the share of an average with a sibling: %d", (weight) => {
    const found = over((i) => mix(trained(i), sibling(i), weight));
    expectShare(found.forward, weight);
    expect(found.forward.bulk).toBeGreaterThan(0.8);
    // Of such a one the start is whole, and of the training no more than siblings have of each other's.
    expect(sharesTraining(found, true)).toBe(false);
  });

  test("shows no training in what has none", () => {
    const found = over(
      (i) => add(start("one", i), noise(`x${i}`, 0.1)),
      (i) => start("one", i),
    );
    for (const side of [found.forward, found.backward]) {
      expect(side.directions).toBe(0);
      expect(showsTraining(side)).toBe(false);
    }
    expect(sharesTraining(found, true)).toBe(false);
    expect(showsTraining({ ...over(trained).forward, slices: 2 })).toBe(false);
    expect(learnedRetention([])).toBeNull();
  });

  test("is 1 again where signs of rows and columns were turned, and no more than 0 in strangers turned to agree", () => {
    const random = prng("turned");
    const coins = (n: number) => Array.from({ length: n }, () => (random.below(2) === 0 ? 1 : -1));
    const turned = (values: Float32Array): Float32Array => {
      const [rows, cols] = [coins(HEIGHT), coins(WIDTH)];
      return values.map((x, k) => x * rows[Math.floor(k / WIDTH)]! * cols[k % WIDTH]!);
    };
    const copy = over((i) => turned(trained(i)));
    expectShare(copy.forward, 1);
    expectShare(copy.backward, 1);
    expect(sharesTraining(copy, true)).toBe(true);
    const other = over((i) => turned(stranger(i)));
    expect(sharesTraining(other, true)).toBe(false);
    const twin = over((i) => turned(sibling(i)));
    expect(sharesTraining(twin, true)).toBe(false);
  });

  test("asks both ways round: what any training writes first is in one that trained longer, and not the reverse", () => {
    const early = (i: number) => add(start("one", i), learned(77 + i, 30));
    // The same first directions, and as strong ones of its own.
    const late = (i: number) => add(early(i), learned(5000 + i, 60));
    const found = over(late, early);
    expectShare(found.forward, 1);
    expect(found.backward.share).toBeLessThan(0.45);
    expect(sharesTraining(found, true)).toBe(false);
    expect(sharesTraining({ ...found, forward: found.backward, backward: found.forward }, true)).toBe(false);
  });

  test("takes signs for turned slice by slice, and tells slices of another origin by their spread", () => {
    const flipped = (values: Float32Array): Float32Array =>
      values.map((x, k) => (Math.floor(k / WIDTH) % 3 === 0 ? -x : x));
    const some = over((i) => (i % 4 === 0 ? flipped(trained(i)) : trained(i))).forward;
    expectShare(some, 1);
    expect(some.spread).toBeLessThan(0.1);
    const half = over((i) => (i % 2 === 0 ? stranger(i) : trained(i))).forward;
    expectShare(half, 0.5);
    expect(half.bulk).toBeCloseTo(0.5, 1);
    expect(half.spread).toBeCloseTo(0.5, 1);
    expect(over((i) => mix(trained(i), stranger(i), 0.5)).forward.spread).toBeLessThan(0.1);
  });

  test("is that of the transposed slices, tall or wide", () => {
    const transposed = (x: Float32Array) => x.map((_, k) => x[(k % HEIGHT) * WIDTH + Math.floor(k / HEIGHT)]!);
    const suspect = (i: number) => mix(trained(i), stranger(i), 0.6);
    const wide = over(suspect).forward;
    const tall = learnedRetention(
      Array.from({ length: SLICES }, (_, i) => {
        const side = (values: Float32Array): Slice => sliceOf(transposed(values), null, [WIDTH, HEIGHT]);
        return sliceRetention(side(suspect(i)), side(trained(i)), MATRIX)!;
      }),
    )!.forward;
    expect(tall.directions).toBeCloseTo(wide.directions, 0);
    expect(Math.abs(tall.share - wide.share)).toBeLessThan(0.02);
    expect(Math.abs(tall.bulk - wide.bulk)).toBeLessThan(0.02);
  });
});

describe("the rank of a difference", () => {
  const base = add(noise(1), learned(1, 30));
  const rankOf = (suspect: Float32Array) => sliceRetention(sliceOf(suspect), sliceOf(base), MATRIX)!.rank;

  test.each([1, 4, 16])("is that of a low-rank change: %i", (rank) => {
    const random = prng(`rank ${rank}`);
    const delta = new Float32Array(base.length);
    for (let k = 0; k < rank; k++) {
      const [u, v] = [unit(HEIGHT, random), unit(WIDTH, random)];
      for (let i = 0; i < delta.length; i++) delta[i]! += 20 * u[Math.floor(i / WIDTH)]! * v[i % WIDTH]!;
    }
    const found = rankOf(add(base, delta));
    expect(found).toMatchObject({ kind: "low", rank });
    const { spectrum } = found as Extract<typeof found, { kind: "low" }>;
    expect(spectrum.filter((value) => value > 1)).toHaveLength(rank);
    expect(spectrum).toEqual([...spectrum].sort((a, b) => b - a));
  });

  test("is none where nothing changed, noise where nothing stands out, and full where training does", () => {
    expect(rankOf(base)).toEqual({ kind: "none" });
    for (let seed = 0; seed < 20; seed++) expect(rankOf(add(base, noise(`y${seed}`, 0.3)))).toEqual({ kind: "noise" });
    expect(rankOf(add(add(base, noise(5, 0.3)), learned(6, 9)))).toEqual({ kind: "full" });
  });

  test("is not resolved where the difference is smaller than the rounding", () => {
    expect(rankOf(add(base, noise(5, 1e-3))).kind).toMatch(/unresolved|none/);
  });
});

test("median", () => {
  expect(median([])).toBeNull();
  expect(median([3])).toBe(3);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});
