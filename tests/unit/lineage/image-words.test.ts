import { expect, test } from "vitest";
import { imageClaim, imageFigure, imageLimits, worstOf } from "../../../src/lineage/image/words.ts";
import type { Image } from "../../../src/lineage/result.ts";

const image = (change: Partial<Image> = {}): Image => ({
  byTensor: [],
  side: "suspect",
  scheme: "Q4_0",
  way: null,
  everywhere: true,
  tensors: 3,
  requantised: { blocks: 1000, equal: 1000 },
  nearest: { blocks: 1000, equal: 990 },
  worst: { tensor: "a.weight", halfSteps: 1.0123, within: 0.9996 },
  whole: true,
  ...change,
});

test("all blocks are said where all were quantised anew, else as many as were", () => {
  const bits = "reproduce bit for bit";
  expect(imageFigure(image())).toBe(`by llama.cpp's rounding, 100 % of all 1,000 blocks ${bits}`);
  expect(imageFigure(image({ everywhere: false }))).toBe(
    `by llama.cpp's rounding, 100 % of 1,000 sampled blocks ${bits}`,
  );
  const some = image({ requantised: { blocks: 500, equal: 499 } });
  expect(imageFigure(some)).toBe(`by llama.cpp's rounding, 99.8 % of 500 sampled blocks ${bits}`);
  expect(imageFigure(image({ way: "through f16" }))).toContain("rounding, through f16, 100 %");
});

test("the nearest levels are spoken of where no quantiser is known, or the known one gives fewer; less than all is never all", () => {
  const nearest = { blocks: 100_000, equal: 99_999 };
  const own = "rounded to the nearest of the levels that the file has, 99.99 % of all 100,000 blocks reproduce";
  expect(imageFigure(image({ requantised: null, nearest }))).toBe(own);
  expect(imageFigure(image({ requantised: { blocks: 100, equal: 90 }, nearest }))).toBe(own);
  expect(imageFigure(image({ nearest: { blocks: 1000, equal: 1000 } }))).toContain("by llama.cpp's rounding, 100 %");
});

test("a claim says which of the two was rounded, and how far the worst tensor lies apart", () => {
  expect(imageClaim(image(), "org/base")).toMatch(/^is org\/base quantised to Q4_0: by llama/);
  expect(imageClaim(image({ side: "base" }), "org/base")).toMatch(/^is what org\/base was quantised from \(Q4_0\): by/);
  expect(worstOf(image())).toBe("at most 1.01 half steps apart, in a.weight (99.9 % within one)");
});

test("limits say what was sampled", () => {
  expect(imageLimits(image())).toHaveLength(1);
  expect(imageLimits(image({ everywhere: false }))[0]).toMatch(/^blocks were sampled evenly from 3 tensors/);
  expect(imageLimits(image({ requantised: { blocks: 500, equal: 500 } }))[0]).toMatch(
    /^500 of 1,000 blocks .* 99 % hold/,
  );
  expect(imageLimits(image({ requantised: null }))).toHaveLength(1);
});
