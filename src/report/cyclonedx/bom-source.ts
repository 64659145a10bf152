import { findingOf, wasRead } from "../findings/findings.ts";
import type { ModelFinding } from "../findings/model-finding.ts";
import { ofScanItem } from "../findings/of-scan-item.ts";
import type { HtmlResult } from "../html/render-html.ts";
import { scanItemReport } from "../scan/build.ts";
import type { ScanExport } from "../scan/export.ts";
import type { ScanSummaryReport } from "../schemas/index.ts";
import { versionText } from "./property.ts";

/** What a BOM is made of. */
export interface BomSource {
  /** Versions of the tool that made the results. */
  readonly versions: readonly string[];
  /** When the last of them was made, ISO 8601; null where one does not say. */
  readonly timestamp: string | null;
  /** Whether the serial number is a name of the content; else it is random. */
  readonly isNamedByContent: boolean;
  readonly isIncomplete: boolean;
  readonly properties: readonly (readonly [string, unknown])[];
  /** Every model once, in the same order however often it is asked for. */
  readonly models: () => AsyncIterable<ModelFinding>;
  /** Address of the Hub that `hf:` locations mean; null where the results do not say. */
  readonly endpoint: string | null;
}

export function bomOfScan(scan: ScanExport): BomSource {
  const { run, summary, items, endpoint } = scan;
  return {
    versions: [run.version],
    timestamp: run.finishedAt,
    isNamedByContent: run.startedAt === null,
    isIncomplete: isIncomplete(summary),
    properties: summaryProperties(summary),
    models: async function* () {
      for await (const item of items()) if (wasRead(item)) yield ofScanItem(scanItemReport(run, item));
    },
    endpoint,
  };
}

/** @throws USAGE for results that are about no model */
export function bomOfResults(results: readonly HtmlResult[]): BomSource {
  const all = results.map(({ report, scan }) => ({ report, scan, of: scan?.summary ?? report! }));
  const singles = all.map(({ report }) => (report === undefined ? null : findingOf(report)));
  const times = all.map(({ of }) => of.finishedAt);
  return {
    versions: [...new Set(all.map(({ of }) => versionText(of.tool.version)))].sort(),
    timestamp: times.includes(undefined) ? null : (times as string[]).reduce((a, b) => (b > a ? b : a)),
    isNamedByContent: true,
    isIncomplete: all.some(({ scan }) => scan !== undefined && isIncomplete(scan.summary)),
    properties: all.flatMap(({ scan }) => (scan === undefined ? [] : summaryProperties(scan.summary))),
    models: async function* () {
      for (const [i, { scan }] of all.entries()) {
        const single = singles[i];
        if (single !== null && single !== undefined) yield single;
        if (scan !== undefined) for await (const item of scan.items()) if (wasRead(item)) yield ofScanItem(item);
      }
    },
    endpoint: null,
  };
}

function isIncomplete({ skipped, failed, complete }: ScanSummaryReport): boolean {
  return skipped + failed > 0 || !complete;
}

function summaryProperties(summary: ScanSummaryReport): [string, unknown][] {
  const { listed, done, duplicates, skipped, failed, marked, registry, depth, complete } = summary;
  return [
    ...Object.entries({ complete, depth, listed, done, duplicates, skipped, failed, marked }),
    ...(registry === null ? [] : [["registry", registry.digest] as [string, unknown]]),
  ];
}
