import { describe, expect, test } from "vitest";
import type { CanonicalTensor, Role } from "../../../src/anatomy/anatomy.ts";
import {
  sampledRows,
  sketched,
  sketchHeight,
  sliced,
  slicedOfLayer,
  sliceFirstRow,
  sliceWidth,
  tokenRows,
  worthSketching,
} from "../../../src/fingerprint/sampling.ts";

const matrix = (place: Partial<CanonicalTensor>): CanonicalTensor => ({
  component: "language",
  stack: "model.layers",
  layer: 0,
  expert: -1,
  role: "q",
  rows: 64,
  cols: 64,
  tensor: "t",
  rowOffset: (row) => row * 64,
  colStride: 1,
  gain: null,
  ...place,
});

describe("sampled rows", () => {
  test("stand at the same relative positions in every model", () => {
    const rows = (count: number) => sampledRows({ rows: count, cols: 4096, expert: -1, tokens: false });
    expect(rows(8000)).toEqual([0, 1000, 2000, 3000, 4000, 5000, 6000, 7000]);
    expect(rows(3)).toEqual([0, 1, 2]);
    expect(rows(13)).toEqual([0, 1, 3, 4, 6, 8, 9, 11]);
  });

  test("are more where columns are fewer, and a quarter for experts", () => {
    expect([4096, 2048, 2047, 1024, 1023, 512, 511, 8].map(sketchHeight)).toEqual([8, 8, 16, 16, 32, 32, 64, 64]);
    const expert = (cols: number) => sampledRows({ rows: 512, cols, expert: 3, tokens: false }).length;
    expect([expert(64), expert(4096)]).toEqual([16, 2]);
  });

  test("of token tables are absolute ids: appended tokens change nothing", () => {
    const small = tokenRows(5000);
    expect(tokenRows(7000).slice(0, small.length)).toEqual(small);
    expect(small.slice(0, 4)).toEqual([0, 8, 16, 24]);
    expect(new Set(small).size).toBe(small.length);
    expect(small.every((id, i) => id < 5000 && (i === 0 || id > small[i - 1]!))).toBe(true);
    expect(tokenRows(2 ** 40)).toHaveLength(152);
  });
});

test("slices lie in the middle, of token tables at a fixed id", () => {
  expect(sliceFirstRow({ rows: 1000, tokens: false })).toBe(468);
  expect(sliceFirstRow({ rows: 40, tokens: false })).toBe(0);
  for (const rows of [32_000, 32_064]) expect(sliceFirstRow({ rows, tokens: true })).toBe(256);
  expect([64, 1024, 9000].map(sliceWidth)).toEqual([64, 1024, 1024]);
});

test("four experts of a layer are sketched, shared ones besides", () => {
  const experts = Array.from({ length: 16 }, (_, expert) => matrix({ role: "up", expert }));
  const shared = matrix({ role: "up", expert: 1_000_000 });
  const chosen = sketched([...experts, shared, matrix({})]);
  expect(chosen.map((m) => m.expert)).toEqual([0, 4, 8, 12, 1_000_000, -1]);
});

test("four layers and four roles of each are sliced, and the embedding", () => {
  const roles: Role[] = ["q", "k", "v", "o", "gate", "up", "down"];
  const all = Array.from({ length: 12 }, (_, layer) => roles.map((role) => matrix({ role, layer }))).flat();
  const embed = matrix({ role: "embed", layer: -1, rows: 1000 });
  const chosen = sliced([...all, embed]);
  expect(chosen.map((m) => `${m.layer}${m.role}`)).toEqual([
    ...[1, 4, 7, 10].flatMap((layer) => ["q", "v", "up", "down"].map((role) => `${layer}${role}`)),
    "-1embed",
  ]);
  expect(slicedOfLayer([matrix({ role: "qkv" }), matrix({ role: "gate" })]).map((m) => m.role)).toEqual([
    "qkv",
    "gate",
  ]);
});

describe("what a hostile file declares", () => {
  test("is not sketched beyond a width and a number of bytes in all", () => {
    const wide = Array.from({ length: 1000 }, (_, layer) => matrix({ layer, rows: 8, cols: 131_072 }));
    expect(sketched(wide)).toHaveLength((1 << 26) / (8 * (131_072 / 8)));
    expect(sketched([matrix({ cols: 131_073 })])).toEqual([]);
    expect(worthSketching(wide)).toHaveLength(1000);
  });
});
