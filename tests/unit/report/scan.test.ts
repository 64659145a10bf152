import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { worseExitCode } from "../../../src/cli/exit-codes.ts";
import { scanExitCode } from "../../../src/cli/scan/exit-code.ts";
import { ERRORS } from "../../../src/errors.ts";
import { toJson } from "../../../src/report/escape.ts";
import { scanItemReport, scanSummaryReport } from "../../../src/report/scan/build.ts";
import { scanDocument, scanLines } from "../../../src/report/scan/document.ts";
import { TopFindings } from "../../../src/report/scan/finding.ts";
import type { ScanPolicy } from "../../../src/report/scan/policy.ts";
import type { ScanItemReport } from "../../../src/report/schemas/index.ts";
import { renderText } from "../../../src/report/text/render-text.ts";
import { scanSummaryText } from "../../../src/report/text/scan-text.ts";
import { style } from "../../../src/report/text/style.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import {
  COMMIT,
  exportOf,
  HOSTILE,
  parsed,
  question,
  quiet,
  summaryOf,
  textOf,
  timed,
  various,
} from "../../support/scan-export.ts";
import { ROOT, scanFailure, scanFinding, scanItem, scanMark } from "../../support/scan-items.ts";
import { requireValid } from "../../support/schemas.ts";

describe("items and summaries as JSON", () => {
  it("fit their schemas, and say what they cost unless bytes must repeat", () => {
    for (const item of various) {
      const report = JSON.parse(toJson(scanItemReport(timed, item), 0));
      expect(requireValid<ScanItemReport>("scan-item@1", report)).toMatchObject({ id: item.id, verdict: item.verdict });
      expect(report.work).toEqual({ cached: false, bytesRead: "15000000", requests: item.requests, elapsedMs: 12.5 });
      const silent = requireValid("scan-item@1", JSON.parse(toJson(scanItemReport(quiet, item), 0)));
      for (const field of ["work", "finishedAt", "startedAt"]) expect(silent).not.toHaveProperty(field);
    }
    const summary = scanSummaryReport(timed, question, summaryOf(various), 5);
    expect(requireValid("scan-summary@1", JSON.parse(toJson(summary, 0)))).toMatchObject({
      listed: 11,
      done: 7,
      duplicates: 1,
      skipped: 1,
      failed: 2,
      marked: 1,
      complete: false,
      maxBytes: "1099511627776",
      registry: { location: "/data/registry", digest: ROOT },
      work: { read: 7, listing: { api: 1 }, bytesRead: String(11 * 15_000_000) },
    });
    expect(
      requireValid("scan-summary@1", { ...scanSummaryReport(quiet, question, summaryOf([]), 4) }),
    ).not.toHaveProperty("work");
  });

  it("hold a p of zero as null with a note", () => {
    const marked = scanItem("m", { marks: [scanMark({ log2P: Number.NEGATIVE_INFINITY })] });
    const report = requireValid("scan-item@1", JSON.parse(toJson(scanItemReport(quiet, marked), 0)));
    expect(report).toMatchObject({ marks: [{ log2P: null }], nonFinite: [{ path: "/marks/0/log2P" }] });
  });

  it("are streamed as lines with the summary last, and as one document", async () => {
    const scan = exportOf(various, timed);
    const lines = (await textOf(scanLines(scan)))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ id }) => id)).toEqual([...various.map(({ id }) => id), undefined]);
    requireValid("scan-summary@1", lines.at(-1));
    expect(await parsed(scanDocument(scan))).toEqual({ summary: lines.at(-1), items: lines.slice(0, -1) });
    expect(await parsed(scanDocument(exportOf([])))).toMatchObject({ items: [] });
  });
});

describe("the exit code", () => {
  const code = (items: readonly ScanItem[], policies: readonly ScanPolicy[] = [], change = {}) =>
    scanExitCode(summaryOf(items, change), policies);
  const silent = scanItem("silent");
  const skipped = scanItem("s", { status: "skipped", verdict: null });
  const bug = scanFailure("bug", { code: "INTERNAL" });

  it.each<[string, number, readonly ScanItem[], readonly ScanPolicy[]]>([
    ["nothing asked", 0, [scanFinding("a")], []],
    ["weaker than asked", 0, [scanFinding("a")], ["recast"]],
    ["silence", 0, [silent], ["shared-init"]],
    ["as strong as asked", 1, [scanFinding("a"), silent], ["derived"]],
    ["stronger than asked", 1, [scanFinding("a", { verdict: "identical" })], ["shared-init"]],
    ["a mark, asked for", 1, [scanItem("a", { marks: [scanMark()] })], ["mark"]],
    ["a mark, not asked for", 0, [scanItem("a", { marks: [scanMark()] })], ["derived"]],
    ["a mark that is not there", 0, [scanItem("a", { marks: [scanMark({ present: false })] })], ["mark"]],
    ["one of two policies", 1, [scanItem("a", { marks: [scanMark()] })], ["identical", "mark"]],
    ["refused beats findings", 3, [scanFinding("a"), scanFailure("b")], ["derived"]],
    ["a bug beats refused", 70, [bug, scanFailure("b")], []],
    ["incomplete beats all", 5, [bug, scanFailure("b"), scanFailure("c", { passing: true })], ["derived"]],
    ["nothing there", 4, [], []],
    ["nothing but skipped", 4, [skipped], []],
    ["skipped ones count for nothing", 0, [skipped, silent], []],
  ])("%s: %i", (_, expected, items, policies) => {
    expect(code(items, policies)).toBe(expected);
  });

  it.each([
    [0, 3, 3],
    [1, 3, 3],
    [4, 3, 3],
    [3, 3, 3],
    [5, 3, 5],
    [70, 3, 70],
    [5, 70, 5],
    [0, 0, 0],
  ])("of %i and %i is %i", (a, b, worse) => {
    expect([worseExitCode(a, b), worseExitCode(b, a)]).toEqual([worse, worse]);
  });

  it("is 5 for an interrupted scan, whatever was found", () => {
    expect(code([scanFinding("a")], ["derived"], { interrupted: true })).toBe(5);
    expect(code([], [], { interrupted: true })).toBe(5);
  });
});

describe("the text of a scan", () => {
  const line = (item: ScanItem) => renderText(scanItemReport(quiet, item), { colour: false });

  it("has a line an item, aligned, with the ground", () => {
    expect(line(various[0]!)).toMatch(/^derived {7}a\/derived {25}derives from base-a, p = 4\.0e-124, lora\n$/);
    expect(line(various[1]!)).toMatch(/^identical {5}b\/equal +is equal to base-a wherever sampled/);
    const claim = "holds the same weights as base-a";
    expect(line(scanFinding("b/equal", { verdict: "identical", claim }))).toMatch(
      /^identical {5}b\/equal +holds the same weights as base-a/,
    );
    expect(line(various[5]!)).toContain("; same weights as a/derived");
    expect(line(various[6]!)).toBe(
      "failed        g/broken                          the header is cut off (ST_HEADER_TRUNCATED)\n",
    );
    expect(line(various[7]!)).toContain("(HTTP_TIMED_OUT, worth another try)");
    expect(line(various[8]!)).toContain("mark of key k1 (forensic, p <= 2^-200)");
    expect(line(scanItem("x"))).toBe("no-evidence   x\n");
    expect(line(scanItem("x", { verdict: null }))).toBe("read          x\n");
    expect(line(scanItem("x", { verdict: null, marks: [scanMark({ present: false })] }))).toBe("no mark       x\n");
  });

  it("claims no direction that is not established", () => {
    expect(line(various[2]!)).toMatch(/shares trained weights with base-a, direction not established/);
    expect(line(various[2]!)).not.toMatch(/derives/);
    expect(line(various[3]!)).toContain("base-a derives from it");
    expect(line(various[4]!)).toContain("that trained weights are shared is not shown");
  });

  it("prints no line that its terminal would act on", () => {
    const evil = scanFinding(
      HOSTILE,
      { name: HOSTILE, relations: [HOSTILE] },
      { marks: [scanMark({ keyId: HOSTILE })] },
    );
    for (const item of [
      evil,
      { ...evil, status: "duplicate" as const, duplicateOf: HOSTILE },
      scanFailure(HOSTILE, { message: HOSTILE }),
    ]) {
      const text = line(item);
      expect(text.split("\n")).toHaveLength(2);
      for (const char of ["\u001b", "\r", "\u202e", "\u200b"]) expect(text).not.toContain(char);
    }
  });

  it("ends with a screen: counts, findings, coverage, cost, limits, exit", () => {
    const findings = new TopFindings(3);
    for (const item of various) findings.add(item);
    const report = scanSummaryReport(timed, question, summaryOf(various, { replayed: 1 }), 5);
    const items = findings.items.map((item) => scanItemReport(timed, item));
    const text = scanSummaryText(report, style(false), { items, count: findings.count }).join("\n");
    expect(text).toMatch(
      /^11 models \(incomplete\): 1 identical, 4 derived, 1 shared-init, 2 no-evidence\n\nFindings\n/,
    );
    expect(text).toMatch(
      /Findings\n {2}no-evidence +acme\/tuned .*\n {2}identical .*\n {2}derived .*\n {2}and 4 more\n/,
    );
    expect(text).toMatch(/failed +2 +HTTP_TIMED_OUT 1 \(worth another try\), ST_HEADER_TRUNCATED 1\n/);
    expect(text).toContain(
      `\n\nWhat to do next\n  - HTTP_TIMED_OUT: ${ERRORS.HTTP_TIMED_OUT.advice}\n  - NO_WEIGHTS: `,
    );
    expect(text.match(/HTTP_TIMED_OUT: /g)).toHaveLength(1);
    expect(text).toContain("7 read, 0 from the cache; 1 result from before this run");
    expect(text).toMatch(/requests +67 +23 API, 11 resolve, 33 storage/);
    expect(text).toContain("this run, 5.0 models/s");
    expect(text).toContain("no-evidence does not prove that a model is unrelated");
    expect(text).toContain("\n\nExit code 5: 1 model failed for passing reasons; try them again with `resume`");
    expect(text.split("\n").length).toBeLessThan(35);
  });

  it("explains every exit code", () => {
    const ends = [0, 1, 3, 4, 70].map((exit) => {
      const report = scanSummaryReport(quiet, question, summaryOf([scanItem("a")]), exit);
      return scanSummaryText(report, style(false)).at(-1);
    });
    expect(new Set(ends).size).toBe(5);
    const unwritten = scanSummaryReport(quiet, question, summaryOf([scanItem("a")]), 3);
    expect(scanSummaryText(unwritten, style(false)).at(-1)).toBe("Exit code 3: a result could not be written");
    const refused = scanSummaryReport(quiet, question, summaryOf([scanFailure("a")]), 3);
    expect(scanSummaryText(refused, style(false)).at(-1)).toBe("Exit code 3: 1 model was malformed or refused");
    const stopped = scanSummaryReport(quiet, question, summaryOf([], { interrupted: true }), 5);
    expect(scanSummaryText(stopped, style(false)).at(-1)).toBe(
      "Exit code 5: stopped before the end; go on with `resume`",
    );
  });
});

describe("the strongest findings", () => {
  it("are the same whatever order they come in", () => {
    const items = [
      ...various,
      scanFinding("z/weak", { log10P: -20 }),
      scanFinding("y/strong", { log10P: -999 }),
      scanFinding("x/recast", { verdict: "recast" }),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(items, { minLength: items.length }), (order) => {
        const top = new TopFindings(5);
        for (const item of order) top.add(item);
        expect(top.items.map(({ id }) => id)).toEqual([
          `hf:acme/tuned@${COMMIT}`,
          "b/equal",
          "x/recast",
          "y/strong",
          "a/derived",
        ]);
        expect(top.count).toBe(10);
      }),
      { numRuns: 50 },
    );
  });
});
