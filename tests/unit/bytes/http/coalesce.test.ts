import { expect, test } from "vitest";
import { coalesce, GAP, LONGEST_MERGED } from "../../../../src/bytes/http/coalesce.ts";

const range = (start: number, end: number) => ({ start, end });

test("neighbours become one, others stay apart, empty ones vanish", () => {
  expect(coalesce([])).toEqual([]);
  expect(coalesce([range(5, 5)])).toEqual([]);
  expect(coalesce([range(10, 20), range(0, 10)])).toEqual([range(0, 20)]);
  expect(coalesce([range(0, 10), range(10 + GAP, 20 + GAP)])).toEqual([range(0, 20 + GAP)]);
  expect(coalesce([range(0, 10), range(11 + GAP, 20 + GAP)])).toHaveLength(2);
  expect(coalesce([range(0, 100), range(20, 30), range(0, 50)])).toEqual([range(0, 100)]);
});

test("nothing becomes longer than a request should be, unless it overlaps", () => {
  const half = LONGEST_MERGED / 2;
  expect(coalesce([range(0, half), range(half, 2 * half)])).toHaveLength(1);
  expect(coalesce([range(0, half), range(half, 2 * half + 1)])).toHaveLength(2);
  expect(coalesce([range(0, half + 1), range(half, 3 * half)])).toEqual([range(0, 3 * half)]);
  expect(coalesce([range(0, 3 * half)])).toEqual([range(0, 3 * half)]);
});
