import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matmul } from "../../../src/kernels/matmul.ts";
import { PolarImage } from "../../../src/numerics/polar-image.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { thinSvd } from "../../../src/numerics/svd.ts";
import { randomRotation } from "../../support/obfuscate.ts";

const LEADING = 64;

function normals(count: number, seed: number): Float32Array {
  const random = prng(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}

/** x V f(S) U^T with f(s) = 1 for the 64 strongest and s / sqrt(s^2 + c^2) for the others, from all of the SVD. */
function expected(m: Float32Array, rows: number, cols: number, x: Float32Array): Float32Array {
  const { s, u, vt } = thinSvd(m, rows, cols);
  const strongest = Math.min(LEADING, rows - 1, cols - 1);
  const cut = (0.01 * s.slice(strongest).reduce((sum, value) => sum + value * value, 0)) / (rows - strongest);
  const factors = s.map((value, i) => (i < strongest ? 1 : value / Math.sqrt(value * value + cut)));
  const along = matmul(x, Float32Array.from(vt), {
    rows: x.length / cols,
    depth: cols,
    columns: rows,
    transposedB: true,
  }).map((value, i) => value * factors[i % rows]!);
  return matmul(along, Float32Array.from(u), {
    rows: x.length / cols,
    depth: rows,
    columns: rows,
    transposedB: true,
  });
}

function apart(found: Float32Array, wanted: Float32Array): number {
  const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(squares(found.map((value, i) => value - wanted[i]!)) / squares(wanted));
}

describe("the image of vectors by a polar factor", () => {
  test("is what all of the singular vectors say, for streams of any two widths and spectra with outliers", () => {
    const shapes = fc.record({
      rows: fc.integer({ min: 66, max: 150 }),
      more: fc.integer({ min: 0, max: 80 }),
      outlier: fc.double({ min: 1, max: 1000, noNaN: true }),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(shapes, ({ rows, more, outlier, seed }) => {
        const cols = rows + more;
        const m = normals(rows * cols, seed);
        const [left, right] = [normals(rows, seed + 1), normals(cols, seed + 2)];
        for (let i = 0; i < m.length; i++) m[i]! += (outlier * left[Math.floor(i / cols)]! * right[i % cols]!) / 20;
        const x = normals(8 * cols, seed + 3);
        expect(apart(new PolarImage(m, rows, cols).of(x), expected(m, rows, cols, x))).toBeLessThan(0.03);
      }),
      { numRuns: 20 },
    );
  });

  test("by a rotation of any size is the rotated vectors, but for the two hundredth part that is damped", () => {
    for (const width of [20, 64, 65, 200]) {
      const rotation = randomRotation(width, prng(width)).map((x) => 37 * x);
      const x = normals(4 * width, 3);
      const wanted = matmul(x, rotation, { rows: 4, depth: width, columns: width, transposedB: true });
      const found = new PolarImage(rotation, width, width).of(x);
      expect(
        apart(
          found.map((value) => 37 * value),
          wanted,
        ),
      ).toBeLessThan(0.006);
    }
  });

  test("is never longer, whatever the spectrum is like", () => {
    const spectra = fc.record({
      size: fc.integer({ min: 20, max: 120 }),
      rank: fc.integer({ min: 1, max: 120 }),
      decay: fc.double({ min: 0, max: 0.5, noNaN: true }),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(spectra, ({ size, rank, decay, seed }) => {
        const left = normals(size * Math.min(rank, size), seed);
        const depth = left.length / size;
        const scaled = left.map((value, at) => value * Math.exp(-decay * (at % depth)));
        const m = matmul(scaled, normals(depth * size, seed + 1), { rows: size, depth, columns: size });
        const x = normals(4 * size, seed + 2);
        const image = new PolarImage(m, size, size).of(x);
        expect(Math.hypot(...image)).toBeLessThan(1.06 * Math.hypot(...x));
      }),
      { numRuns: 60 },
    );
  });

  test("has no length where the matrix says nothing, and stays finite where it says little", () => {
    const x = normals(3 * 100, 1);
    expect([...new PolarImage(new Float32Array(100 * 100), 100, 100).of(x)].every((value) => value === 0)).toBe(true);
    // Fewer tokens than dimensions: a matrix of rank 10.
    const [left, right] = [normals(10 * 100, 2), normals(10 * 100, 3)];
    const low = matmul(left, right, { rows: 100, depth: 10, columns: 100 });
    const image = new PolarImage(low, 100, 100).of(x);
    const lengths = [0, 1, 2].map((i) => Math.hypot(...image.subarray(100 * i, 100 * (i + 1))));
    const own = [0, 1, 2].map((i) => Math.hypot(...x.subarray(100 * i, 100 * (i + 1))));
    lengths.forEach((length, i) => {
      expect(length).toBeLessThan(1.01 * own[i]!);
    });
  });
});
