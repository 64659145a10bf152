import type {
  CompareReport,
  ScanItemReport,
  ScanSummaryReport,
  WatermarkVerifyReport,
} from "../../src/report/schemas/index.ts";

const ROOT = "ab".repeat(32);
const tool = { name: "weightmark", version: "1.2.3" } as const;

const input = (location: string): CompareReport["inputs"]["suspect"] => ({
  location,
  kind: "model",
  revision: null,
  manifestRoot: ROOT,
  sampledRoot: ROOT,
  contentRoot: null,
  depth: "sampled",
  family: "llama",
  parameters: "6738415616",
  bytesRead: "15000000",
  bytesTotal: "13476839424",
});

const learned = { share: 0.98, error: 0.01, bulk: 0.97, spread: 0.02, directions: 8, slices: 12 };

/** A comparison that found something, unless it says otherwise. */
export function comparePageReport(change: Partial<CompareReport> = {}): CompareReport {
  const test = { component: "model.layers", axis: "residual", n: 128 } as const;
  const assumptions = ["labels carry no order"];
  return {
    schema: "weightmark/compare@1",
    tool,
    inputs: { suspect: input("models/s"), base: input("models/b") },
    verdict: "derived",
    summary: "s derives from b.",
    claim: "derives from b",
    direction: "suspect-from-base",
    relations: ["lora"],
    parents: [{ name: "b", log10P: -742.3 }],
    log10P: -742.3,
    threshold: -9,
    log10Tried: Math.log10(9),
    components: [
      {
        component: "model.layers",
        suspectComponent: "layers",
        verdict: "derived",
        log10P: -742.3,
        r: 0.97,
        retention: 0.98,
        learned: { baseInSuspect: learned, suspectInBase: learned },
        reason: null,
      },
    ],
    tests: [
      { ...test, assumptions, name: "T1", z: 90.5, log10P: -1778.9, exact: false, m: 768 },
      { ...test, assumptions, name: "T2", z: null, log10P: -215.6, exact: true, m: 128, fixedPoints: 128 },
    ],
    layers: [0, 1].map((layer) => ({
      component: "model.layers",
      suspect: layer,
      base: layer,
      log10P: -4000,
      agreement: 0.92,
    })),
    difference: {
      scale: 1,
      reverseScale: 0.93,
      drift: 0.28,
      frozenTensors: 1,
      comparedTensors: 29,
      loraRank: 8,
      matrices: [
        { component: "model.layers", layer: 0, role: "q", drift: 0.1 },
        { component: "model.layers", layer: 1, role: "q", drift: 0.3 },
      ],
    },
    caveats: ["a limit of this result"],
    ...change,
  };
}

/** A mark that was found, unless it says otherwise. */
export function verifyPageReport(change: Partial<WatermarkVerifyReport> = {}): WatermarkVerifyReport {
  return {
    schema: "weightmark/watermark-verify@1",
    tool,
    inputs: { model: { location: "models/m", bytesTotal: "1000" }, base: null, reference: null, tokenizer: null },
    present: true,
    level: "forensic",
    log2P: -682.3,
    log2Tried: 4.4,
    payload: { hex: "6161", text: "aa", bits: 16, how: "decoded" },
    carriers: [
      {
        name: "orientation",
        payloadBits: 16,
        statistic: 32.3,
        log2P: -686.7,
        present: true,
        gain: 1.8,
        synchronised: false,
      },
    ],
    decoys: {
      count: 4095,
      rank: 1,
      ks: { statistic: 0.012, p: 0.19 },
      histogram: { low: -4, width: 0.25, counts: [1, 0, 4094] },
    },
    keyId: "fe048e34ee655bb3",
    release: "example",
    mode: "release",
    alignment: null,
    caveats: [],
    ...change,
  };
}

export function scanPageSummary(change: Partial<ScanSummaryReport> = {}): ScanSummaryReport {
  return {
    schema: "weightmark/scan-summary@1",
    tool,
    inputs: ["models"],
    include: [],
    exclude: [],
    depth: "sampled",
    registry: { location: "registry", digest: ROOT },
    keys: [],
    maxBytes: null,
    timeout: null,
    complete: true,
    interrupted: false,
    exitCode: 0,
    listed: 2,
    done: 2,
    duplicates: 0,
    skipped: 0,
    failed: 0,
    verdicts: [{ verdict: "derived", count: 1 }],
    marked: 0,
    reasons: [],
    bytesTotal: "2000",
    ...change,
  };
}

/** A model that derives from a base, unless it says otherwise. */
export function scanPageItem(name: string, change: Partial<ScanItemReport> = {}): ScanItemReport {
  const match = {
    name: "base",
    verdict: "derived",
    direction: "suspect-from-base",
    relations: ["lora"],
    log10P: -50,
    matchedLayers: 4,
  } as const;
  return {
    schema: "weightmark/scan-item@1",
    tool,
    id: name,
    name,
    location: `models/${name}`,
    revision: null,
    status: "done",
    duplicateOf: null,
    failure: null,
    verdict: "derived",
    summary: `${name} derives from base.`,
    matches: [{ ...match, relations: [...match.relations], claim: "derives from base" }],
    caveats: ["siblings look like this"],
    marks: [],
    content: null,
    sampledRoot: ROOT,
    family: "llama",
    parameters: "1000",
    bytesTotal: "2000",
    ...change,
  };
}
