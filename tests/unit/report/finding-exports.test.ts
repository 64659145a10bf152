import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bomOfResults } from "../../../src/report/cyclonedx/bom-source.ts";
import { cycloneDxBom } from "../../../src/report/cyclonedx/cyclonedx.ts";
import type { HtmlResult, SingleReport } from "../../../src/report/html/render-html.ts";
import { sarifLog } from "../../../src/report/sarif/sarif.ts";
import { sarifOfResults } from "../../../src/report/sarif/sarif-source.ts";
import type { CompareReport, IdentifyReport, VerifyReport } from "../../../src/report/schemas/index.ts";
import { arbitraryReport } from "../../support/arbitrary-report.ts";
import { requireCycloneDx, requireSarif } from "../../support/interchange.ts";
import { comparePageReport, scanPageItem, scanPageSummary, verifyPageReport } from "../../support/page-reports.ts";
import { textOf } from "../../support/scan-export.ts";

const single = (report: SingleReport): HtmlResult => ({ report, file: null });
const bomText = (...results: HtmlResult[]) => textOf(cycloneDxBom(bomOfResults(results)));
const sarifText = (...results: HtmlResult[]) => textOf(sarifLog(sarifOfResults("1.2.3", results)));

async function bom(...reports: SingleReport[]) {
  const document = JSON.parse(await bomText(...reports.map(single)));
  requireCycloneDx(document);
  return document;
}

async function sarif(...reports: SingleReport[]) {
  const log = JSON.parse(await sarifText(...reports.map(single)));
  requireSarif(log);
  return log.runs[0];
}

const calibrated: Partial<CompareReport> = {
  deep: { basis: "calibrated", moved: ["neurons"], strength: { gate: 0.8, through: 0.7, tokens: null }, learned: null },
  claim: "is as much like b as only models that share trained weights were found to be",
  log10P: -0.3,
  relations: ["obfuscated"],
};

const image: NonNullable<CompareReport["image"]> = {
  side: "suspect",
  scheme: "Q4_K_M: 5 Q4_K, 2 Q6_K",
  way: "through f16",
  everywhere: false,
  tensors: 7,
  requantised: { blocks: 100, equal: 99 },
  nearest: { blocks: 400, equal: 399 },
  worst: { tensor: "blk.0.ffn_down.weight", halfSteps: 1.25, within: 0.99 },
  whole: true,
};

function signature(change: Partial<VerifyReport> = {}): VerifyReport {
  return {
    schema: "weightmark/verify@1",
    tool: { name: "weightmark", version: "1.2.3" },
    inputs: { model: { location: "models/m" }, signature: { location: "models/m/model.sig" } },
    holds: true,
    code: null,
    reason: null,
    detail: null,
    signedBy: { method: "key", key: "ab".repeat(32) },
    signed: null,
    files: null,
    ...change,
  };
}

function identified(change: Partial<IdentifyReport> = {}): IdentifyReport {
  const { schema: _, inputs, ...comparison } = comparePageReport();
  const candidate = {
    name: "b",
    root: true,
    verdict: "derived",
    direction: "suspect-from-base",
    relations: ["lora"],
    log10P: -742.3,
    matchedLayers: 2,
    components: [],
  } as const;
  return {
    schema: "weightmark/identify@1",
    tool: { name: "weightmark", version: "1.2.3" },
    inputs: { suspect: inputs.suspect },
    verdict: "derived",
    summary: "s derives from b.",
    candidates: [
      { ...candidate, relations: ["lora"], components: [] },
      { ...candidate, name: "c", relations: [], components: [], log10P: -0.4 },
      { ...candidate, name: "d", relations: [], components: [], verdict: "no-evidence", log10P: -0.1 },
    ],
    comparison: (({ tool: __, ...rest }) => rest)(comparison),
    registry: { location: "registry", entries: 3, digest: "cd".repeat(32), updatedAt: null },
    caveats: [],
    ...change,
  };
}

describe("results of single commands", () => {
  const kinds = [
    "compare@1",
    "identify@1",
    "inspect@1",
    "fingerprint@1",
    "sign@1",
    "verify@1",
    "commit@1",
    "watermark-verify@1",
    "watermark-embed@1",
    "scan-item@1",
  ];
  it.each(kinds)(
    "%s fits the schemas of CycloneDX and SARIF, whatever it holds, and acts on no terminal",
    async (kind) => {
      await fc.assert(
        fc.asyncProperty(arbitraryReport(kind), async (report) => {
          const texts = [
            await bomText(single(report as SingleReport)),
            await sarifText(single(report as SingleReport)),
          ];
          for (const text of texts) expect(text).not.toMatch(/[\p{Cf}\p{Cs}]|(?!\n)\p{Cc}/u);
          const [document, log] = texts.map((text) => JSON.parse(text));
          requireCycloneDx(document);
          requireSarif(log);
          const refs = [...texts[0]!.matchAll(/"bom-ref":("(?:[^"\\]|\\.)*")/g)].map(([, ref]) => ref);
          expect(new Set(refs).size).toBe(refs.length);
          for (const { message } of log.runs[0].results) {
            expect(message.text).not.toMatch(/\]\(/);
            expect(message.text.replaceAll(/\{\{|\}\}/g, "")).not.toMatch(/[{}]/);
          }
        }),
        { numRuns: 20 },
      );
    },
  );

  it("of other kinds are refused by name", () => {
    const doctor = { schema: "weightmark/doctor@1" } as SingleReport;
    expect(() => bomOfResults([single(doctor)])).toThrow(/doctor@1 is no finding about a model/);
    expect(() => sarifOfResults("1", [single(doctor)])).toThrow(/doctor@1 is no finding about a model/);
  });

  it("of several commands and a scan stand in one document, the same each time", async () => {
    const scan = {
      summary: scanPageSummary({ skipped: 1 }),
      items: async function* () {
        yield scanPageItem("x");
        yield scanPageItem("y", { status: "skipped", verdict: null, matches: [] });
      },
    };
    const results: HtmlResult[] = [single(comparePageReport()), { scan, file: null }, single(verifyPageReport())];
    const document = JSON.parse(await bomText(...results));
    requireCycloneDx(document);
    expect(document.components.map(({ name }: { name: string }) => name)).toEqual(["s", "x", "m"]);
    expect(document.compositions).toEqual([{ aggregate: "incomplete" }]);
    expect(await bomText(...results)).toBe(await bomText(...results));
    const log = JSON.parse(await sarifText(...results));
    requireSarif(log);
    expect(log.runs[0].results.map(({ ruleId }: { ruleId: string }) => ruleId)).toEqual([
      "weights-derived",
      "weights-derived",
      "watermark-found",
    ]);
    expect(log.runs[0].properties.results[1]).toMatchObject({ skipped: 1 });
  });
});

describe("a comparison", () => {
  it("has its base as an ancestor, with what is known of it and without a confidence", async () => {
    const { components, declarations, metadata } = await bom(comparePageReport());
    const [base] = components[0].pedigree.ancestors;
    expect(base).toMatchObject({
      name: "b",
      externalReferences: [{ type: "distribution", url: "models/b" }],
      evidence: {
        identity: [{ field: "name", concludedValue: "b", tools: [metadata.tools.components[0]["bom-ref"]] }],
      },
    });
    expect(base.properties).toContainEqual({ name: "weightmark:sampledRoot", value: "ab".repeat(32) });
    expect(base.properties).toContainEqual({ name: "weightmark:loraRank", value: "8" });
    expect(JSON.stringify(components)).not.toContain("confidence");
    expect(declarations.claims).toHaveLength(1);
    expect(declarations.claims[0]).toMatchObject({
      target: components[0]["bom-ref"],
      predicate: "s derives from b",
      evidence: [declarations.evidence[0]["bom-ref"]],
    });
    expect(declarations.claims[0].reasoning).toContain("p = 5.0e-743, which is not the probability of the claim");
  });

  it("of files whose values are all the same says so, with the only confidence there is", async () => {
    const { inputs } = comparePageReport();
    const equal = { ...inputs.suspect, contentRoot: "cd".repeat(32), depth: "full" } as const;
    const both = { suspect: equal, base: { ...equal, location: "models/b" } };
    const { components } = await bom(comparePageReport({ verdict: "identical", inputs: both, log10P: null }));
    const [base] = components[0].pedigree.ancestors;
    expect(base.evidence.identity[0].methods).toEqual([
      expect.objectContaining({ technique: "hash-comparison", confidence: 1 }),
    ]);
    const other = { ...both, base: { ...both.base, contentRoot: "ee".repeat(32) } };
    const sampled = await bom(comparePageReport({ verdict: "identical", inputs: other }));
    expect(JSON.stringify(sampled.components)).not.toContain("confidence");
  });

  it("that is calibrated never looks like an exact one", async () => {
    const report = comparePageReport(calibrated);
    const { components, declarations } = await bom(report);
    expect(Object.keys(components[0].pedigree)).toEqual(["variants", "notes"]);
    expect(components[0].pedigree.notes).toContain("no p-value exists: calibrated on other models, no proof");
    const text = JSON.stringify([components, declarations]);
    expect(text).not.toMatch(/p = |log10P"|exact tests|"derived"/);
    expect(components[0].properties[0]).toEqual({
      name: "weightmark:verdict",
      value: "derived (calibrated, no proof)",
    });
    expect(declarations.evidence[0].propertyName).toBe("weightmark:calibrated-verdict");
    const run = await sarif(report);
    expect(run.results).toHaveLength(1);
    expect(run.results[0]).toMatchObject({
      ruleId: "weights-alike-calibrated",
      level: "note",
      properties: { basis: "calibrated", log10P: null, matches: [{ basis: "calibrated", log10P: null }] },
    });
    expect(run.results[0].message.text).not.toMatch(/p = /);
    expect(run.tool.driver.rules[run.results[0].ruleIndex].id).toBe("weights-alike-calibrated");
    expect(run.tool.driver.rules[run.results[0].ruleIndex].help.text).not.toContain("exact tests");
  });

  it("of a quantised copy tells by which scheme, and how much of it is reproduced", async () => {
    const report = comparePageReport({ relations: ["quantized"], image: { ...image, whole: false } });
    const { components, declarations } = await bom(report);
    const said = "holds b quantised to Q4_K_M: 5 Q4_K, 2 Q6_K";
    expect(components[0].pedigree.notes).toContain(said);
    const claim = declarations.claims[1];
    expect(claim.predicate).toContain(said);
    expect(claim.reasoning).toContain("1.25 half steps");
    const names = declarations.evidence[1].data.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(["scheme", "whole", "blocks", "largestDistanceHalfSteps"]));
    expect(claim.predicate).toContain("not all that both hold is an original and its image");
    // Of a whole image the verdict's own claim says it.
    const whole = await bom(comparePageReport({ verdict: "recast", image, claim: "is b quantised" }));
    expect(whole.components[0].pedigree.notes).toBe("s: is b quantised (p = 5.0e-743).");
    expect((await sarif(report)).results[0].message.text).toContain(said);
  });

  it("that is silent claims nothing", async () => {
    const report = comparePageReport({ verdict: "no-evidence", log10P: -0.2, claim: "shows no evidence" });
    const { components, declarations } = await bom(report);
    expect(components[0]).not.toHaveProperty("pedigree");
    expect(declarations.claims).toEqual([]);
    expect((await sarif(report)).results).toEqual([]);
  });
});

describe("an identification", () => {
  it("has the candidates that tell something, and takes none for exact that has no p", async () => {
    const { components, declarations } = await bom(identified());
    const { ancestors, variants } = components[0].pedigree;
    expect([ancestors, variants].map((kin) => kin.map(({ name }: { name: string }) => name))).toEqual([["b"], ["c"]]);
    expect(declarations.claims.map(({ predicate }: { predicate: string }) => predicate)).toHaveLength(2);
    expect(declarations.claims[1].reasoning).toContain("no p-value exists");
    expect(components[0].properties).toContainEqual({ name: "weightmark:registry", value: "cd".repeat(32) });
  });
});

describe("signatures and commitments", () => {
  it("that hold are claims with their file, and no result", async () => {
    const { components, declarations } = await bom(signature());
    expect(components[0].externalReferences[1]).toMatchObject({ type: "digital-signature", url: "models/m/model.sig" });
    expect(declarations.claims[0].predicate).toContain("that holds, by key abab");
    expect(declarations.claims[0]).toHaveProperty("evidence");
    const none = { verified: 2, bytes: "9", changed: [], missing: [], unsigned: [], ignored: [], uncovered: [] };
    const some = { ...none, unsigned: ["extra.py"], ignored: [".git"] };
    const reasoning = async (files: NonNullable<VerifyReport["files"]>) =>
      (await bom(signature({ files }))).declarations.claims[0].reasoning as string;
    expect(await reasoning(none)).toMatch(/were signed were verified$/);
    expect(await reasoning(some)).toMatch(/; 2 files or directories .* not covered by it$/);
    const run = await sarif(signature());
    expect(run.results).toEqual([]);
    expect(run.properties.results[0].statements).toEqual([{ kind: "signature", holds: true, code: null }]);
  });

  it("that do not hold are counter-evidence, and a result", async () => {
    const broken = signature({
      holds: false,
      code: "SIGNED_FILES_DIFFER",
      reason: "1 file was changed",
      signedBy: null,
    });
    const { components, declarations } = await bom(broken);
    expect(declarations.claims[0].predicate).toBe(
      "m has a signature by OpenSSF Model Signing v1.0 that proves nothing",
    );
    expect(declarations.claims[0]).not.toHaveProperty("evidence");
    expect(declarations.claims[0].counterEvidence).toEqual([declarations.evidence[0]["bom-ref"]]);
    expect(components[0].externalReferences[1].comment).toContain("SIGNED_FILES_DIFFER");
    expect((await sarif(broken)).results[0]).toMatchObject({ ruleId: "signature-does-not-hold", level: "error" });
  });
});
