import { describe, expect, test } from "vitest";
import { type Slice, sliceOf } from "../../../src/fingerprint/slice.ts";
import { differenceRank } from "../../../src/lineage/difference-rank.ts";
import { prng } from "../../../src/numerics/prng.ts";

const normals = (count: number, seed: string, sd = 1): Float32Array => {
  const random = prng(seed);
  return Float32Array.from({ length: count }, () => sd * random.normal());
};

function slice(values: Float32Array, height: number, gain: Float32Array | null = null): Slice {
  return { ...sliceOf(values, { sketch: 0, firstRow: 0, height })!, gain };
}

/** `values` with so many directions added, each of some strength. */
function withDirections(values: Float32Array, height: number, count: number, strength: number): Float32Array {
  const width = values.length / height;
  const out = values.slice();
  for (let k = 0; k < count; k++) {
    const [left, right] = [normals(height, `left ${k}`), normals(width, `right ${k}`)];
    for (let i = 0; i < out.length; i++) out[i]! += strength * left[Math.floor(i / width)]! * right[i % width]!;
  }
  return out;
}

describe.each([
  [48, 96],
  [96, 48],
])("the rank of a difference of %i rows of %i", (height, width) => {
  const before = normals(height * width, "before");

  test("is that of the directions that were added, with gains or without", () => {
    const after = withDirections(before, height, 3, 0.3);
    expect(differenceRank(slice(after, height), slice(before, height))).toMatchObject({ kind: "low", rank: 3 });
    const gain = Float32Array.from({ length: width }, (_, j) => 1 + (j % 5) / 4);
    const found = differenceRank(slice(after, height, gain), slice(before, height, gain));
    expect(found).toMatchObject({ kind: "low", rank: 3 });
  });

  test("is none of a copy, unresolved below rounding, noise where it is that, and full where training is", () => {
    const kind = (after: Float32Array) => differenceRank(slice(after, height), slice(before, height)).kind;
    expect(kind(before)).toBe("none");
    expect(kind(before.map((x, i) => x + (i % 2 === 0 ? 1e-4 : -2e-4)))).toBe("unresolved");
    const noise = normals(before.length, "noise", 0.1);
    expect(kind(before.map((x, i) => x + noise[i]!))).toBe("noise");
    const trained = withDirections(before, height, 6, 0.1);
    expect(kind(trained.map((x, i) => x + noise[i]!))).toBe("full");
    expect(kind(before.map((x) => 1.5 * x))).toBe("unresolved");
  });
});

test("a change of the gains that were folded is what it is, not one of the weights", () => {
  const before = normals(48 * 96, "before");
  const gain = Float32Array.from({ length: 96 }, (_, j) => 1 + (j % 3) / 2);
  const folded = before.map((x, i) => x / gain[i % 96]!);
  const found = differenceRank(slice(folded, 48, gain), slice(before, 48, new Float32Array(96).fill(1)));
  expect(found.kind).toBe("unresolved");
});
