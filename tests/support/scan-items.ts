import type { ScanFailure, ScanItem } from "../../src/scan/item.ts";
import type { ScanParameters } from "../../src/scan/parameters.ts";
import type { ScanTarget } from "../../src/scan/target.ts";

/** A target called `id`; nothing of it exists. */
export function targetOf(id: string, more: Partial<ScanTarget> = {}): ScanTarget {
  return { id, name: id, location: id, revision: null, content: null, identity: null, bytes: null, ...more };
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
