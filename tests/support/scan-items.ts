import type { ScanFailure, ScanItem, ScanMark, ScanMatch } from "../../src/scan/item.ts";
import type { ScanParameters } from "../../src/scan/parameters.ts";
import type { ScanTarget } from "../../src/scan/target.ts";

export const ROOT = "ab".repeat(32);

/** The best match of `scanItem`, unless it says otherwise. */
export function scanMatch(change: Partial<ScanMatch> = {}): ScanMatch {
  return {
    name: "base-a",
    verdict: "derived",
    direction: "suspect-from-base",
    relations: ["lora"],
    log10P: -123.4,
    matchedLayers: 4,
    ...change,
  };
}

export function scanMark(change: Partial<ScanMark> = {}): ScanMark {
  return { keyId: "k1", level: "forensic", present: true, log2P: -200.5, payload: "61636d65", ...change };
}

/** An item that is done and says nothing, unless it says otherwise. */
export function scanItem(id: string, change: Partial<ScanItem> = {}): ScanItem {
  return {
    id,
    name: id,
    location: id,
    revision: null,
    content: null,
    status: "done",
    duplicateOf: null,
    failure: null,
    verdict: "no-evidence",
    summary: `No evidence that ${id} and base-a share weights. This does not prove that they are unrelated.`,
    matches: [],
    caveats: [],
    marks: [],
    sampledRoot: ROOT,
    family: "llama",
    parameters: 6_738_415_616,
    cached: false,
    bytesRead: 15_000_000,
    bytesTotal: 13_476_839_424,
    requests: { api: 2, resolve: 1, storage: 3 },
    elapsedMs: 12.5,
    finishedAt: "2026-01-02T03:04:05.000Z",
    ...change,
  };
}

/** A finding. */
export function scanFinding(id: string, change: Partial<ScanMatch> = {}, item: Partial<ScanItem> = {}): ScanItem {
  const match = scanMatch(change);
  return scanItem(id, { verdict: match.verdict, summary: `About ${id}.`, matches: [match], ...item });
}

export function scanFailure(id: string, change: Partial<NonNullable<ScanItem["failure"]>> = {}): ScanItem {
  return scanItem(id, {
    status: "failed",
    verdict: null,
    summary: null,
    sampledRoot: null,
    family: null,
    parameters: null,
    failure: { code: "ST_HEADER_TRUNCATED", message: "the header is cut off", detail: null, passing: false, ...change },
  });
}

/** A target called `id`; nothing of it exists. */
export function targetOf(id: string, more: Partial<ScanTarget> = {}): ScanTarget {
  return {
    id,
    name: id,
    location: id,
    revision: null,
    content: null,
    identity: null,
    bytes: null,
    repository: null,
    ...more,
  };
}

/** A result of the target `id`. */
export function itemOf(id: string, more: Partial<ScanItem> = {}): ScanItem {
  return {
    id,
    name: id,
    location: id,
    revision: null,
    content: null,
    status: "done",
    duplicateOf: null,
    failure: null,
    verdict: "no-evidence",
    summary: null,
    matches: [],
    caveats: [],
    marks: [],
    sampledRoot: null,
    family: "llama",
    parameters: 1000,
    cached: false,
    bytesRead: 100,
    bytesTotal: 200,
    requests: { api: 0, resolve: 0, storage: 0 },
    elapsedMs: null,
    finishedAt: null,
    ...more,
  };
}

export function failureOf(more: Partial<ScanFailure> = {}): ScanFailure {
  return { code: "ST_OVERLAP", message: "bytes belong to two tensors", detail: null, passing: false, ...more };
}

export function failedItem(id: string, passing: boolean): ScanItem {
  const failure = failureOf(passing ? { code: "HTTP_SERVER_FAILED", message: "502", passing } : {});
  return itemOf(id, { status: "failed", failure, verdict: null, family: null, parameters: null });
}

export function parametersOf(more: Partial<ScanParameters> = {}): ScanParameters {
  return {
    inputs: ["/models"],
    include: [],
    exclude: [],
    depth: "sampled",
    registry: null,
    keys: [],
    maxBytes: null,
    timeout: null,
    version: "0.0.0-test",
    ...more,
  };
}
