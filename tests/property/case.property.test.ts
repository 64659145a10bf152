import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CaseResult, recordDigest, redactRecord } from "../../src/case/case-document.ts";
import { redactPlaces } from "../../src/case/redact-places.ts";
import { diffResults } from "../../src/case/result-difference.ts";
import { inputNameOf, inputsOfResult, sentenceOf } from "../../src/case/result-inputs.ts";
import { caseSchema } from "../../src/report/schemas/case.ts";
import { schemaOf } from "../../src/report/schemas/index.ts";
import { arbitraryReport, HOSTILE_NAMES } from "../support/arbitrary-report.ts";

const KINDS = ["compare@1", "identify@1", "fingerprint@1", "watermark-verify@1", "verify@1", "commit@1", "scan-item@1"];
const SHORT = { endOnFailure: true, numRuns: 25 };

describe.each(KINDS)("any %s", (kind) => {
  const reports = arbitraryReport(kind).map((report) => report as CaseResult["result"]);

  it("is the same when it is reduced twice, is still one, and has one digest", () => {
    fc.assert(
      fc.property(reports, (result) => {
        const record: CaseResult = {
          file: { name: "a/b.json", digest: "0".repeat(64) },
          inputs: inputsOfResult(result).map(({ role, called }) => ({ role, name: "x", called })),
          result,
        };
        const reduced = redactRecord(record);
        expect(redactRecord(reduced)).toEqual(reduced);
        expect(recordDigest(reduced)).toBe(recordDigest(record));
        expect(schemaOf(kind)!.safeParse(reduced.result).error).toBeUndefined();
        expect(diffResults(result, structuredClone(result), true)).toEqual({ differs: [], more: [] });
      }),
      SHORT,
    );
  });

  it("has inputs that can be named, and says something", () => {
    fc.assert(
      fc.property(reports, (result) => {
        const taken = new Set<string>();
        for (const input of inputsOfResult(result)) {
          const name = inputNameOf(input, taken);
          expect(taken.has(name)).toBe(false);
          expect(caseSchema.shape.inputs.element.shape.name.safeParse(name).success).toBe(true);
          taken.add(name);
        }
        expect(sentenceOf(result).length).toBeGreaterThan(0);
      }),
      SHORT,
    );
  });
});

describe("paths", () => {
  const part = fc.oneof(fc.stringMatching(/^[a-z .+]{1,6}$/), fc.constantFrom(...HOSTILE_NAMES.slice(0, 40)));
  const path = fc
    .tuple(
      fc.constantFrom("/", "", "./", "../", "~/", "C:\\", "//", "hf:org/", "https://h/"),
      fc.array(part, { maxLength: 4 }),
    )
    .map(([start, parts]) => start + parts.join(start === "C:\\" ? "\\" : "/"));

  it("are gone from places and from the sentences that repeat them", () => {
    fc.assert(
      fc.property(path, (location) => {
        const value = {
          location,
          summary: `of ${location}.`,
          file: { location: `/home/somebody/in/${location}/file` },
        };
        const reduced = redactPlaces(value);
        expect(redactPlaces(reduced)).toEqual(reduced);
        expect(JSON.stringify(reduced)).not.toContain("somebody");
        if (!/^(?:hf:|https:)/.test(location) && !location.includes("+") && /[^/\\]/.test(location)) {
          expect(reduced.location).not.toMatch(/^[/\\].|[^/\\][/\\][^/\\]/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("are reduced in time, however long", () => {
    const location = `${"a".repeat(1_000_000)}/`.repeat(3);
    expect(redactPlaces({ location }).location).toHaveLength(1_000_000);
    expect(() => redactPlaces({ inputs: Array.from({ length: 3000 }, (_, i) => `/a/${i}`) })).toThrow(/more than 500/);
  });

  it("leave addresses and words alone", () => {
    const value = { location: "d/model", verdict: "derived", summary: "d derives", schema: "d/model" };
    expect(redactPlaces(value)).toEqual({ ...value, location: "model" });
    const far = { location: "hf:org/name@1", summary: "hf:org/name@1 is, with /a/b" };
    expect(redactPlaces(far)).toEqual(far);
    const pair = { location: "/x/lora+hf:org/base", path: "/x/lora+/y/base" };
    expect(redactPlaces(pair)).toEqual({ location: "lora+hf:org/base", path: "lora+base" });
  });
});
