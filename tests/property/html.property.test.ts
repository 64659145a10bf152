import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { htmlPieces, renderHtml } from "../../src/report/html/render-html.ts";
import { readResults } from "../../src/report/read-results.ts";
import { jsonSchemas } from "../../src/report/schemas/index.ts";
import { arbitraryReport } from "../support/arbitrary-report.ts";
import { readPage } from "../support/strict-html.ts";

/** Schemas of what is no result. */
const OTHERS = ["error@1", "commitment@1", "disclosure@1"];
const KINDS = [...jsonSchemas().keys()].filter((name) => !OTHERS.includes(name));

/** Shrinking a whole result takes longer than reading it. */
const SHORT = { endOnFailure: true };

const read = (value: unknown) => readResults("r.json", new TextEncoder().encode(JSON.stringify(value)));

async function pageOf(results: Parameters<typeof htmlPieces>[0]): Promise<string> {
  let page = "";
  for await (const piece of htmlPieces(results)) page += piece;
  return page;
}

describe("any valid result", () => {
  it.each(KINDS)("%s becomes a page in which nothing that was read is markup", async (name) => {
    await fc.assert(
      fc.asyncProperty(arbitraryReport(name), async (report) => {
        const results = read(report);
        const page = await pageOf(results);
        const { complaints, text } = readPage(page);
        expect(complaints).toEqual([]);
        expect(text).not.toMatch(/\[object |\bundefined\b|\bNaN\b(?! or|, infinite)/);
        expect(await pageOf(read(report))).toBe(page);
        expect(readPage(await renderHtml(report as never)).complaints).toEqual([]);
      }),
      { numRuns: 12, ...SHORT },
    );
  });

  it("a scan with its items, and several results in one page", async () => {
    const scan = fc.record({
      summary: arbitraryReport("scan-summary@1"),
      items: fc.array(arbitraryReport("scan-item@1"), { maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(scan, arbitraryReport("compare@1"), async (document, compare) => {
        const page = await pageOf([...read(document), ...read(compare)]);
        const { complaints, elements } = readPage(page);
        expect(complaints).toEqual([]);
        expect(elements.filter(({ tagName }) => tagName === "article")).toHaveLength(2);
      }),
      { numRuns: 12, ...SHORT },
    );
  });
});

describe("what is no result", () => {
  it("is refused by a code, whatever it is", () => {
    const anything = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constantFrom('{"schema":"weightmark/compare@2"}', '{"schema":"weightmark/error@1"}', '{"schema":"__proto__"}'),
    );
    fc.assert(
      fc.property(anything, (text) => {
        expect(() => readResults("r.json", new TextEncoder().encode(text))).toThrowError(
          expect.objectContaining({ code: expect.stringMatching(/^RESULT_(MALFORMED|VERSION)$/) }),
        );
      }),
    );
  });
});
