import { expect, test } from "vitest";
import { TokenFrame } from "../../../src/deep/token-frame.ts";
import { trainedRows } from "../../support/token-rows.ts";

test("a frame of tokens that are all zero has no directions, and one of others has as many as tokens", () => {
  const [width, tokens] = [32, 16];
  const empty = new TokenFrame(new Float32Array(tokens * width), width);
  expect(new Set(empty.weaker(0))).toEqual(new Set([0]));
  const frame = new TokenFrame(trainedRows(1, tokens, width), width);
  expect(frame.weaker(0).every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
  expect(frame.weaker(0).length).toBe(width * tokens);
});
