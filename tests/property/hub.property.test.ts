import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { weightContent } from "../../src/checkpoint/hub/content.ts";
import { parseHubLocation, pinnedLocation } from "../../src/checkpoint/hub/parse-location.ts";
import { WeightmarkError } from "../../src/errors.ts";

/** Text of the characters that locations are taken apart at, and of some that have no place in them. */
const hostile = fc
  .array(
    fc.constantFrom("a", "B", "1", "-", "_", ".", "..", "/", "@", "%2F", "%2e", "%", "\\", "\n", " ", "é", "refs/pr/1"),
    {
      maxLength: 12,
    },
  )
  .map((parts) => `hf:${parts.join("")}`);

describe("locations of the Hub", () => {
  test.prop(
    [
      fc.oneof(
        hostile,
        fc.string().map((text) => `hf:${text}`),
      ),
    ],
    { numRuns: 2000 },
  )("are refused or name nothing outside of a repository", (location) => {
    try {
      const { id, revision, path } = parseHubLocation(location);
      // As part of an address, and as part of a path in a cache.
      const url = new URL(
        `https://hub/${id}/resolve/${"c".repeat(40)}/${path.split("/").map(encodeURIComponent).join("/")}`,
      );
      expect(url.pathname.startsWith(`/${id}/resolve/`)).toBe(true);
      expect(id.split("/")).toHaveLength(2);
      for (const part of [...id.split("/"), ...(revision ?? "x").split("/"), ...(path || "x").split("/")]) {
        expect(["", ".", ".."]).not.toContain(part);
      }
      expect(parseHubLocation(pinnedLocation(id, "c".repeat(40), path))).toMatchObject({ id, path });
    } catch (error) {
      if (!(error instanceof WeightmarkError)) throw error;
      expect(error.code).toBe("HUB_NAME_INVALID");
    }
  });
});

describe("contents", () => {
  const file = fc.record({
    size: fc.nat(),
    sha256: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 64, maxLength: 64 }),
  });
  test.prop([fc.array(file, { minLength: 1 }), fc.infiniteStream(fc.nat())])(
    "are equal for the same files in any order, and for no others",
    (files, random) => {
      const shuffled = files.map((each) => ({ each, at: random.next().value })).sort((a, b) => a.at - b.at);
      expect(weightContent(shuffled.map(({ each }) => each))).toBe(weightContent(files));
      const [first, ...rest] = files as [(typeof files)[number], ...typeof files];
      expect(weightContent([{ ...first, size: first.size + 1 }, ...rest])).not.toBe(weightContent(files));
    },
  );
});

describe("what is written otherwise", () => {
  test.each([
    ["hf:acme%2Fbase", "hf:acme/base"],
    ["hf:acme%2fbase", "hf:acme/base"],
    ["hf://acme/base", "hf:acme/base"],
    ["hf:https://huggingface.co/acme/base", "hf:acme/base"],
  ])("%s is answered with what is meant", (written, meant) => {
    expect(() => parseHubLocation(written)).toThrow(expect.objectContaining({ detail: `Write ${meant}.` }));
  });

  test("says how a revision with a slash is written", () => {
    expect(() => parseHubLocation("hf:acme@x/base")).toThrow(
      expect.objectContaining({ detail: expect.stringMatching(/%2F/) }),
    );
  });
});
