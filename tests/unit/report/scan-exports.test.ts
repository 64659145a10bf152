import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VERDICT_ORDER } from "../../../src/lineage/result.ts";
import { bomOfScan } from "../../../src/report/cyclonedx/bom-source.ts";
import { cycloneDxBom } from "../../../src/report/cyclonedx/cyclonedx.ts";
import type { RunInfo } from "../../../src/report/envelope.ts";
import { sarifLog } from "../../../src/report/sarif/sarif.ts";
import { sarifOfScan } from "../../../src/report/sarif/sarif-source.ts";
import { scanDocument, scanLines } from "../../../src/report/scan/document.ts";
import { encodePieces, type ScanExport } from "../../../src/report/scan/export.ts";
import type { ScanPolicy } from "../../../src/report/scan/policy.ts";
import type { ScanSummaryReport } from "../../../src/report/schemas/index.ts";
import type { ScanItem } from "../../../src/scan/item.ts";
import { requireCycloneDx, requireSarif } from "../../support/interchange.ts";
import {
  COMMIT,
  exportOf,
  HOSTILE,
  isAcceptable,
  parsed,
  quiet,
  textOf,
  timed,
  various,
} from "../../support/scan-export.ts";
import { scanFailure, scanFinding, scanItem, scanMark, scanMatch } from "../../support/scan-items.ts";
import { requireValid } from "../../support/schemas.ts";

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
  const log = await parsed(sarifLog(sarifOfScan(scan)));
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
    const text = await textOf(
      sarifLog(sarifOfScan(exportOf([evil, scanFailure(HOSTILE, { message: "[x](http://y)" })]))),
    );
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
  evidence: { identity: object[] };
}
interface Bom {
  declarations: { claims: { target: string; predicate: string; reasoning: string }[]; evidence: object[] };
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
  const document = await parsed(cycloneDxBom(bomOfScan(scan)));
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

  it("has a claim for each finding, and of a duplicate says whose it is", async () => {
    const { components, declarations } = await bom(exportOf(various));
    const { claims, evidence } = declarations;
    expect(claims).toHaveLength(7);
    expect(evidence).toHaveLength(7);
    expect(claims.at(-1)!.predicate).toBe("acme/tuned carries the mark of key k1");
    const copy = components.find(({ name }) => name === "f/copy")!["bom-ref"];
    expect(claims.find(({ target }) => target === copy)!.reasoning).toMatch(
      /; as found of a\/derived, whose content it is listed with$/,
    );
    expect((await bom(exportOf([scanItem("quiet")]))).declarations).toEqual({ claims: [], evidence: [] });
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
      evidence: { identity: [{ field: "name", concludedValue: "base-a", tools: ["weightmark@1.2.3"] }] },
    });
    // A p-value is no confidence.
    expect(JSON.stringify(ancestor)).not.toContain("confidence");
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
          [sarifLog(sarifOfScan(scan)), cycloneDxBom(bomOfScan(scan)), scanLines(scan), scanDocument(scan)].map(textOf),
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
    for await (const piece of encodePieces(sarifLog(sarifOfScan(scan)))) most = Math.max(most, piece.length);
    expect(alive).toBe(4000);
    expect(most).toBeLessThan(70_000);
  });
});
