import { describe, expect, test } from "vitest";
import { contentRange } from "../../../../src/bytes/http/content-range.ts";

const MOST = Number.MAX_SAFE_INTEGER;
const rangeOf = (text: string) => contentRange(new Map([["content-range", text]]), "file");

describe("what a server says that it sent", () => {
  test("is read to the last byte whose end can be said exactly", () => {
    expect(rangeOf("bytes 5-9/*")).toEqual({ start: 5, end: 10, total: null });
    expect(rangeOf(`bytes 5-${MOST - 1}/${MOST}`)).toEqual({ start: 5, end: MOST, total: MOST });
  });

  test.each([
    `bytes 5-${MOST}/*`,
    `bytes 0-${MOST + 1}/*`,
    "bytes 9-5/*",
    "bytes 5-9/9",
    "bytes 5-9",
    "items 5-9/10",
    "",
  ])("and refused like %s", (text) => {
    expect(() => rangeOf(text)).toThrow(expect.objectContaining({ code: "HTTP_RANGE_WRONG" }));
  });
});
