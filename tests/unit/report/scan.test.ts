import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../../src/errors.ts";
import { VERDICT_ORDER } from "../../../src/lineage/result.ts";
import { cycloneDxBom } from "../../../src/report/cyclonedx/cyclonedx.ts";
import type { RunInfo } from "../../../src/report/envelope.ts";
import { toJson } from "../../../src/report/escape.ts";
import { sarifLog } from "../../../src/report/sarif/sarif.ts";
import { type ScanQuestion, scanItemReport, scanSummaryReport } from "../../../src/report/scan/build.ts";
import { scanDocument, scanLines } from "../../../src/report/scan/document.ts";
import { type ScanPolicy, scanExitCode, worseExitCode } from "../../../src/report/scan/exit-code.ts";
import { encodePieces, type ScanExport } from "../../../src/report/scan/export.ts";
import { TopFindings } from "../../../src/report/scan/finding.ts";
import { artifactUri, locationUri } from "../../../src/report/scan/location-uri.ts";
import type { ScanItemReport, ScanSummaryReport } from "../../../src/report/schemas/index.ts";
import { renderText } from "../../../src/report/text/render-text.ts";
import { scanSummaryText } from "../../../src/report/text/scan-text.ts";
import { style } from "../../../src/report/text/style.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import { ScanTally } from "../../../src/scan/summary.ts";
import { requireCycloneDx, requireSarif } from "../../support/interchange.ts";
import { ROOT, scanFailure, scanFinding, scanItem, scanMark, scanMatch } from "../../support/scan-items.ts";
import { requireValid } from "../../support/schemas.ts";

const quiet: RunInfo = { version: "1.2.3", startedAt: null, finishedAt: null };
const timed: RunInfo = { ...quiet, startedAt: "2026-01-02T03:04:05.000Z", finishedAt: "2026-01-02T03:04:06.000Z" };
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const HOSTILE = "evil\u001b[2J\u202e\r\u200b](http://x.example) {0}";

const question: ScanQuestion = {
  parameters: {
    inputs: ["models"],
    include: [],
    exclude: ["*/old"],
    depth: "sampled",
    registry: ROOT,
    keys: [],
    maxBytes: 2 ** 40,
    timeout: null,
    version: "1.2.3",
  },
  registry: "/data/registry",
  listing: { api: 1, resolve: 0, storage: 0 },
};

function summaryOf(items: readonly ScanItem[], change: { interrupted?: boolean; replayed?: number } = {}) {
  const tally = new ScanTally();
  for (const item of items) tally.add(item);
  return tally.summary({ interrupted: false, listed: items.length, replayed: 0, elapsedMs: 2000, ...change });
}

function exportOf(items: readonly ScanItem[], run = quiet, policies: readonly ScanPolicy[] = []): ScanExport {
  const summary = summaryOf(items);
  return {
    run,
    summary: scanSummaryReport(run, question, summary, scanExitCode(summary, policies)),
    items: async function* () {
      yield* items;
    },
    policies,
    endpoint: "https://huggingface.co",
    root: "/work/checkout",
  };
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

const parsed = async (pieces: AsyncIterable<string>) => JSON.parse(await textOf(pieces));

const various: readonly ScanItem[] = [
  scanFinding("a/derived"),
  scanFinding("b/equal", { verdict: "identical", direction: "not-established", relations: ["copy"] }),
  scanFinding("c/kin", { direction: "siblings" }),
  scanFinding("d/parent", { direction: "base-from-suspect" }),
  scanFinding("e/init", { verdict: "shared-init", direction: "siblings", relations: [], log10P: -12 }),
  scanItem("f/copy", { status: "duplicate", duplicateOf: "a/derived", verdict: "derived", matches: [scanMatch()] }),
  scanFailure("g/broken"),
  scanFailure("h/away", { code: "HTTP_TIMED_OUT", message: "no answer", passing: true, detail: "Try again." }),
  scanItem(`hf:acme/tuned@${COMMIT}`, { name: "acme/tuned", revision: COMMIT, marks: [scanMark()] }),
  scanItem("i/none", {
    status: "skipped",
    verdict: null,
    failure: { ...scanFailure("x").failure!, code: "NO_WEIGHTS" },
  }),
  scanItem(`j/${HOSTILE}`, { family: HOSTILE, summary: HOSTILE, caveats: [HOSTILE] }),
];

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
    expect(text).toContain("\n\nExit code 5: 1 model failed for passing reasons; try them again with --resume");
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
      "Exit code 5: stopped before the end; go on with --resume",
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

describe("locations as URIs", () => {
  it.each([
    ["models/base a", "models/base%20a"],
    ["./models/x", "models/x"],
    ["a:b/c#d?e%f", "a%3Ab/c%23d%3Fe%25f"],
    ["/data/模型", "file:///data/%E6%A8%A1%E5%9E%8B"],
    ["//server/x", "file:////server/x"],
    [".", "."],
    ["javascript:alert(1)", "javascript%3Aalert(1)"],
    [`hf:acme/tuned@${COMMIT}`, `hf:acme/tuned@${COMMIT}`],
    ["hf:acme/x@refs/pr/1#?", "hf:acme/x@refs/pr/1%23%3F"],
    ["https://user:secret@example.org/m.safetensors?sig=secret#x", "https://example.org/m.safetensors"],
    ["https://[", "https%3A//%5B"],
    ["a\ud800b", "a%EF%BF%BDb"],
    ["/mod\udce9le/\udcff", "file:///mod%E9le/%FF"],
    ["https://h/a|b[c]^%zz%20%2f", "https://h/a%7Cb%5Bc%5D%5E%25zz%20%2f"],
  ])("%s is %s", (location, uri) => {
    expect(locationUri(location)).toBe(uri);
  });
});

/** What is no relative reference has the scheme of a checkout: else GitHub takes nothing of the file. RFC 3986, 4.2. */
const SCHEMELESS = /^(?!\/)(?:(?:%[0-9A-F]{2}|[\w.~!$&'()*+,;=@-])+(?:\/(?:%[0-9a-f]{2}|[\w.~!$&'()*+,;=:@-])*)*)?$/i;
const isAcceptable = (uri: string) => SCHEMELESS.test(uri) || uri.startsWith("file:///");
const leadsUp = (uri: string) => uri.split("/").includes("..");

describe("locations as artifacts of a checkout", () => {
  const base = { endpoint: "https://huggingface.co", root: "/work/checkout" };

  // Paths of the other kind of system are other paths.
  it.skipIf(process.platform === "win32").each([
    ["models/base a", "models/base%20a"],
    ["./models/x", "models/x"],
    [".", "."],
    ["a:b/c#d?e%f", "a%3Ab/c%23d%3Fe%25f"],
    ["C:\\models", "C%3A%5Cmodels"],
    ["/work/checkout/models/模", "models/%E6%A8%A1"],
    ["/work/checkout", "."],
    ["/work/checkout-2/x", "file:///work/checkout-2/x"],
    ["/data/x", "file:///data/x"],
    ["../x", "file:///work/x"],
    ["..x", "..x"],
    ["a/../b", "b"],
    [`hf:acme/tuned@${COMMIT}`, `huggingface.co/acme/tuned/${COMMIT}`],
    [`hf:acme/tuned@${COMMIT}/unet/a b`, `huggingface.co/acme/tuned/${COMMIT}/unet/a%20b`],
    ["hf:acme/x@refs/pr/1#?", "huggingface.co/acme/x/refs/pr/1%23%3F"],
    ["hf:../../etc", "huggingface.co/etc"],
    ["https://user:secret@example.org:8443/a:b/m.safetensors?sig=secret#x", "example.org%3A8443/a:b/m.safetensors"],
    ["http://[::1]:80/m", "%5B%3A%3A1%5D/m"],
    ["https://[", "https%3A//%5B"],
    ["https://../a/b", "a/b"],
  ])("%s is %s", (location, uri) => {
    expect(artifactUri(location, base)).toBe(uri);
    expect(isAcceptable(uri)).toBe(true);
  });

  it("name the Hub that is meant, without what its address may hold besides", () => {
    const at = (endpoint: string) => artifactUri("hf:acme/x", { endpoint, root: null });
    expect(at("http://127.0.0.1:8080")).toBe("127.0.0.1%3A8080/acme/x");
    expect(at("https://u:secret@hub.corp/hf")).toBe("hub.corp/hf/acme/x");
  });

  it("complete no path where paths are to be hidden", () => {
    const hidden = { ...base, root: null };
    expect(artifactUri("models/x", hidden)).toBe("models/x");
    expect(artifactUri("../../x", hidden)).toBe("x");
    expect(artifactUri("..", hidden)).toBe(".");
  });

  it.skipIf(process.platform === "win32")("lead out of no directory where paths are to be hidden", () => {
    const at = (location: string) => artifactUri(location, { ...base, root: null });
    expect(at("a/../../b")).toBe("b");
    expect(at("a/b/../../../..")).toBe(".");
    expect(at("..//etc/passwd")).toBe("etc/passwd");
    expect(at("./..//..//x")).toBe("x");
    expect(at("https://[/../../../x")).toBe("x");
    expect(at("/data/x")).toBe("file:///data/x");
  });

  it("hold nothing secret of an address that cannot be read", () => {
    for (const location of [
      "https://user:secret@[/m?sig=secret#secret",
      "http://user:secret@host:99999/m?sig=secret",
      "s3://user:secret@bucket/m?sig=secret",
    ]) {
      expect(locationUri(location)).not.toContain("secret");
      for (const root of [null, base.root]) expect(artifactUri(location, { ...base, root })).not.toContain("secret");
    }
  });

  it("hold no bytes that are no text", () => {
    expect(artifactUri("https://example.org/%aa%41", base)).toBe("example.org/%25aa%2541");
    expect(artifactUri("https://example.org/%c3%a9%41", base)).toBe("example.org/%c3%a9%41");
  });

  it("are taken by GitHub whatever a publisher or a server calls a model", () => {
    const text = fc.string({
      unit: fc.constantFrom(...'aZ0 .:/\\%#?@[]|^{}<>"`~\u0000\u202e\ud800é', "..", "%41", "%zz"),
    });
    const location = fc.oneof(
      text,
      text.map((name) => `/work/checkout/${name}`),
      text.map((name) => `hf:${name}`),
      text.map((name) => `https://example.org:81/${name}`),
    );
    fc.assert(
      fc.property(location, fc.constantFrom("/work/checkout", null), (each, root) => {
        const uri = artifactUri(each, { ...base, root });
        expect([uri, isAcceptable(uri)]).toEqual([uri, true]);
        if (root !== null) expect(leadsUp(uri)).toBe(false);
        expect(() => decodeURIComponent(uri)).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});

interface Sarif {
  runs: [
    {
      tool: { driver: { rules: { id: string }[]; notifications: { id: string }[] } };
      results: {
        ruleId: string;
        ruleIndex: number;
        level: string;
        message: { text: string };
        partialFingerprints: Record<string, string>;
        locations: { physicalLocation: { artifactLocation: { uri: string } } }[];
        properties: Record<string, unknown>;
      }[];
      invocations: [
        {
          exitCode: number;
          executionSuccessful: boolean;
          toolExecutionNotifications: {
            descriptor: { id: string; index: number };
            level: string;
            message: { text: string };
          }[];
        },
      ];
      properties: Record<string, unknown>;
    },
  ];
}

async function sarif(scan: ScanExport): Promise<Sarif["runs"][0]> {
  const log = await parsed(sarifLog(scan));
  requireSarif(log);
  return (log as Sarif).runs[0];
}

describe("SARIF", () => {
  it("is accepted by the official schema, which refuses other things", async () => {
    await sarif(exportOf(various, timed));
    await sarif(exportOf([], quiet));
    expect(() => requireSarif({ version: "2.1.0", runs: [{ results: [] }] })).toThrow(/tool/);
    expect(() =>
      requireSarif({ version: "2.1.0", runs: [{ tool: { driver: { name: "x", rules: [{ id: 1 }] } } }] }),
    ).toThrow(/id/);
  });

  it("has a result for what accuses and for marks, and none for silence", async () => {
    const { results, tool } = await sarif(exportOf(various));
    expect(results.map(({ ruleId, level }) => `${ruleId} ${level}`)).toEqual([
      "weights-derived warning",
      "weights-identical warning",
      "weights-derived warning",
      "weights-derived warning",
      "weights-shared-init note",
      "weights-derived warning",
      "watermark-found warning",
    ]);
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]!.id).toBe(ruleId);
    expect(results[0]).toMatchObject({
      message: { text: "a/derived: derives from base-a (p = 4.0e-124)." },
      locations: [{ physicalLocation: { artifactLocation: { uri: "a/derived" } } }],
      properties: { log10P: -123.4, direction: "suspect-from-base", relations: ["lora"], parameters: "6738415616" },
    });
    expect(results[2]!.message.text).toBe(
      "c/kin: shares trained weights with base-a, direction not established (p = 4.0e-124).",
    );
    expect(results.at(-1)).toMatchObject({
      locations: [{ physicalLocation: { artifactLocation: { uri: `huggingface.co/acme/tuned/${COMMIT}` } } }],
      properties: { location: `hf:acme/tuned@${COMMIT}`, keyId: "k1", log2P: -200.5 },
    });
  });

  it("has no location that GitHub would refuse the file for, and tells the exact one, without secrets", async () => {
    const locations = [
      "models/x",
      "/data/x",
      "../x",
      `hf:acme/x@${COMMIT}`,
      "hf:acme/x",
      "http://u:secret@h:1/m?secret",
    ];
    const items = locations.flatMap((each) => [scanFinding(each), scanFailure(each)]);
    const { results, invocations } = await sarif(exportOf(items));
    const told = [...results, ...invocations[0].toolExecutionNotifications] as Sarif["runs"][0]["results"];
    expect(told).toHaveLength(items.length);
    for (const { locations: places } of told) {
      expect(places[0]!.physicalLocation.artifactLocation.uri).toSatisfy(isAcceptable);
    }
    expect(told.map(({ properties }) => properties.location)).toEqual(
      Array(2)
        .fill([...locations.slice(0, -1), "http://h:1/m"])
        .flat(),
    );
  });

  it("raises to errors what --fail-on asks for", async () => {
    const levels = async (policies: readonly ScanPolicy[]) =>
      (await sarif(exportOf(various, quiet, policies))).results.map(({ level }) => level);
    expect(await levels(["identical"])).toEqual([
      "warning",
      "error",
      "warning",
      "warning",
      "note",
      "warning",
      "warning",
    ]);
    expect(await levels(["shared-init", "mark"])).toEqual(Array(7).fill("error"));
    expect((await levels(["mark"])).at(-1)).toBe("error");
  });

  it("knows a finding again by its weights, not by its place", async () => {
    const other = "cd".repeat(32);
    const { results } = await sarif(
      exportOf([
        scanFinding("a"),
        scanFinding("moved"),
        scanFinding("other", {}, { sampledRoot: other }),
        scanFinding("base", { name: "base-b" }),
      ]),
    );
    const [a, moved, changed, base] = results.map(({ partialFingerprints }) => partialFingerprints["finding/v1"]);
    expect(moved).toBe(a);
    expect(new Set([a, changed, base]).size).toBe(3);
    // The form of the fingerprint that GitHub computes for lines, and the only one that it tracks.
    const tracked = results.map(({ partialFingerprints }) => partialFingerprints.primaryLocationLineHash);
    for (const each of tracked) expect(each).toMatch(/^[0-9a-f]{16}:1$/);
    expect(tracked[1]).toBe(tracked[0]);
    expect(new Set(tracked).size).toBe(3);
    const marks = [scanMark({ keyId: "k1" }), scanMark({ keyId: "k2" })];
    const two = (await sarif(exportOf([scanItem("m", { marks })]))).results;
    expect(new Set(two.map(({ partialFingerprints }) => partialFingerprints.primaryLocationLineHash)).size).toBe(2);
    expect(results[2]!.partialFingerprints["weights/v1"]).toBe(other);
  });

  it("tells of models without a result, and what was covered", async () => {
    const { invocations, tool, properties } = await sarif(exportOf(various, timed));
    const [{ toolExecutionNotifications: told, exitCode, executionSuccessful }] = invocations;
    expect([exitCode, executionSuccessful]).toEqual([5, false]);
    expect(told.map(({ descriptor, level, message }) => `${descriptor.id} ${level} ${message.text}`)).toEqual([
      "model-refused warning g/broken: the header is cut off (ST_HEADER_TRUNCATED).",
      "model-not-reached error h/away: no answer (HTTP_TIMED_OUT). Try again.",
    ]);
    for (const { descriptor } of told) expect(tool.driver.notifications[descriptor.index]!.id).toBe(descriptor.id);
    expect(properties).toMatchObject({ listed: 11, skipped: 1, failed: 2, complete: false });
    const [fine] = (await sarif(exportOf([scanFailure("x")]))).invocations;
    expect(fine).toMatchObject({ exitCode: 3, executionSuccessful: true });
  });

  it("lets no name become a link, a placeholder or a terminal escape", async () => {
    const evil = scanFinding(`[click]${HOSTILE}`, { name: `[me](javascript:x)` });
    const text = await textOf(sarifLog(exportOf([evil, scanFailure(HOSTILE, { message: "[x](http://y)" })])));
    for (const char of ["\u001b", "\r", "\u202e", "\u200b"]) expect(text).not.toContain(char);
    const { results, invocations } = JSON.parse(text).runs[0];
    for (const { message } of [...results, ...invocations[0].toolExecutionNotifications]) {
      expect(message.text).not.toMatch(/\]\(/);
      expect(message.text.replaceAll(/\{\{|\}\}/g, "")).not.toMatch(/[{}]/);
    }
    requireSarif(JSON.parse(text));
  });
});

interface Kin {
  name: string;
  "bom-ref": string;
  evidence: { identity: { confidence: number; methods: { technique: string }[] }[] };
}
interface Bom {
  serialNumber: string;
  metadata: { timestamp?: string };
  compositions: { aggregate: string }[];
  components: {
    "bom-ref": string;
    name: string;
    group?: string;
    purl?: string;
    version?: string;
    pedigree?: { notes: string } & Partial<Record<"ancestors" | "descendants" | "variants", Kin[]>>;
    properties: { name: string; value: string }[];
  }[];
}

async function bom(scan: ScanExport): Promise<Bom> {
  const document = await parsed(cycloneDxBom(scan));
  requireCycloneDx(document);
  return document as Bom;
}

describe("CycloneDX", () => {
  it("is accepted by the official schema, which refuses other things", async () => {
    await bom(exportOf(various, timed));
    await bom(exportOf([]));
    expect(() =>
      requireCycloneDx({ bomFormat: "CycloneDX", specVersion: "1.7", components: [{ type: "model", name: "x" }] }),
    ).toThrow(/enum|allowed/);
    expect(() => requireCycloneDx({ bomFormat: "CycloneDX", specVersion: "1.7", serialNumber: "1" })).toThrow(
      /pattern/,
    );
  });

  it("has every model with a result, under references of their own", async () => {
    const { components, compositions } = await bom(exportOf(various));
    expect(components).toHaveLength(8);
    const refs = components.flatMap(({ "bom-ref": ref, pedigree }) => [
      ref,
      ...["ancestors", "descendants", "variants"]
        .flatMap((kin) => pedigree?.[kin as "ancestors"] ?? [])
        .map((base) => base["bom-ref"]),
    ]);
    expect(refs).toHaveLength(14);
    expect(new Set(refs).size).toBe(refs.length);
    expect(compositions).toEqual([{ aggregate: "incomplete" }]);
    expect(components.at(-2)).toMatchObject({
      group: "acme",
      name: "tuned",
      version: COMMIT,
      purl: `pkg:huggingface/acme/tuned@${COMMIT}`,
    });
    const elsewhere = await bom({ ...exportOf(various), endpoint: "https://hub.example" });
    expect(elsewhere.components.at(-2)!.purl).toBe(
      `pkg:huggingface/acme/tuned@${COMMIT}?repository_url=https%3A%2F%2Fhub.example`,
    );
  });

  it("claims an ancestor only where the direction is established", async () => {
    const { components } = await bom(exportOf(various));
    const kin = components.map(({ pedigree }) =>
      pedigree === undefined ? [] : Object.keys(pedigree).filter((key) => key !== "notes"),
    );
    expect(kin).toEqual([
      ["ancestors"],
      ["variants"],
      ["variants"],
      ["descendants"],
      ["variants"],
      ["ancestors"],
      [],
      [],
    ]);
    const [ancestor] = components[0]!.pedigree!.ancestors!;
    expect(ancestor).toMatchObject({
      name: "base-a",
      evidence: { identity: [{ confidence: 0.999999, methods: [{ technique: "binary-analysis" }] }] },
    });
    expect(components[0]!.pedigree!.notes).toBe("a/derived: derives from base-a (p = 4.0e-124).");
    const initial = scanFinding("x", { verdict: "shared-init", direction: "suspect-from-base" });
    expect((await bom(exportOf([initial]))).components[0]!.pedigree).toHaveProperty("variants");
  });

  it("says of a silent model that it was looked at, and nothing more", async () => {
    const { components, compositions } = await bom(exportOf([scanItem("quiet")]));
    expect(components[0]).not.toHaveProperty("pedigree");
    expect(components[0]!.properties).toContainEqual({ name: "weightmark:verdict", value: "no-evidence" });
    expect(compositions).toEqual([{ aggregate: "unknown" }]);
  });

  it("has a serial number of its content when bytes must repeat, else its own each time", async () => {
    const serial = async (items: readonly ScanItem[], run: RunInfo) => (await bom(exportOf(items, run))).serialNumber;
    expect(await serial(various, quiet)).toBe(await serial(various, quiet));
    expect(await serial(various.slice(1), quiet)).not.toBe(await serial(various, quiet));
    expect(await serial(various, timed)).not.toBe(await serial(various, timed));
  });
});

describe("exports of any items", () => {
  const name = fc.string({ unit: "binary", maxLength: 20 });
  const verdict = fc.constantFrom(...VERDICT_ORDER);
  const direction = fc.constantFrom("suspect-from-base", "base-from-suspect", "siblings", "not-established");
  const log = fc.oneof(fc.double({ max: 0, noNaN: true }), fc.constant(Number.NEGATIVE_INFINITY));
  const match = fc
    .record({ name, verdict, direction, relations: fc.array(name, { maxLength: 2 }), log10P: fc.option(log) })
    .map((change) => scanMatch(change as never));
  const item = fc
    .record({
      id: name,
      matches: fc.array(match, { maxLength: 3 }),
      marks: fc.array(
        log.map((log2P) => scanMark({ log2P })),
        { maxLength: 2 },
      ),
      status: fc.constantFrom("done", "duplicate", "failed", "skipped"),
      message: name,
      prefix: fc.constantFrom("", "/", "hf:", "https://"),
    })
    .map(({ id, message, matches, marks, status, prefix }) => {
      if (status === "failed" || status === "skipped")
        return { ...scanFailure(`${prefix}${id}`, { message }), status } as ScanItem;
      return scanItem(`${prefix}${id}`, {
        verdict: matches[0]?.verdict ?? "no-evidence",
        matches,
        marks,
        status,
        duplicateOf: status === "duplicate" ? "x" : null,
      } as never);
    });

  it("fit the schemas and hold nothing that a terminal acts on", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 6 }), async (items) => {
        const scan = exportOf(items, timed, ["derived"]);
        const texts = await Promise.all(
          [sarifLog, cycloneDxBom, scanLines, scanDocument].map((make) => textOf(make(scan))),
        );
        for (const text of texts) expect(text).not.toMatch(/[\p{Cf}\p{Cs}]|(?!\n)\p{Cc}/u);
        requireSarif(JSON.parse(texts[0]!));
        requireCycloneDx(JSON.parse(texts[1]!));
        for (const line of texts[2]!.trimEnd().split("\n").slice(0, -1)) requireValid("scan-item@1", JSON.parse(line));
        requireValid<ScanSummaryReport>("scan-summary@1", JSON.parse(texts[3]!).summary);
      }),
      { numRuns: 60 },
    );
  });

  it("hold one item in memory at a time", async () => {
    let alive = 0;
    let made = 0;
    let most = 0;
    const scan: ScanExport = {
      ...exportOf([]),
      items: async function* () {
        for (let i = 0; i < 2000; i++) {
          made += 1;
          alive = made;
          yield scanFinding(`m${i}`);
        }
      },
    };
    for await (const piece of encodePieces(sarifLog(scan))) most = Math.max(most, piece.length);
    expect(alive).toBe(4000);
    expect(most).toBeLessThan(70_000);
  });
});
