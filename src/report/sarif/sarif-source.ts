import type { ScanFailure } from "../../scan/item.ts";
import { findingOf, wasRead } from "../findings/findings.ts";
import type { ModelFinding } from "../findings/model-finding.ts";
import { ofScanItem } from "../findings/of-scan-item.ts";
import type { HtmlResult } from "../html/render-html.ts";
import { scanItemReport } from "../scan/build.ts";
import type { ScanExport } from "../scan/export.ts";
import type { ScanItemReport, ScanSummaryReport } from "../schemas/index.ts";
import type { ResultContext } from "./result.ts";

/** A model without a result, and why. */
export interface Unread {
  readonly item: Pick<ScanItemReport, "location" | "name">;
  readonly failure: Pick<ScanFailure, "code" | "message" | "detail" | "passing">;
}

/** What a run in a log is made of. */
export interface SarifSource extends ResultContext {
  readonly version: string;
  /** Null where results are restated: their commands ended long ago. */
  readonly exitCode: number | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Each in the same order however often it is asked for. */
  readonly models: () => AsyncIterable<ModelFinding>;
  readonly unread: () => AsyncIterable<Unread>;
  readonly properties: object;
}

export function sarifOfScan(scan: ScanExport): SarifSource {
  const { run, summary, items, policies, endpoint, root } = scan;
  const reports = async function* () {
    for await (const item of items()) yield scanItemReport(run, item);
  };
  return {
    ...{ policies, endpoint, root, version: run.version },
    ...{ exitCode: summary.exitCode, startedAt: run.startedAt, finishedAt: run.finishedAt },
    models: () => modelsOf(reports()),
    unread: () => unreadOf(reports()),
    properties: coverage(summary),
  };
}

/**
 * Results of any kind as one run. Their locations are told as they were given: of which directory they were told is not known.
 *
 * @throws USAGE for results that are about no model
 */
export function sarifOfResults(version: string, results: readonly HtmlResult[]): SarifSource {
  const singles = results.map(({ report }) => (report === undefined ? null : findingOf(report)));
  const items = async function* () {
    for (const { scan, report } of results) {
      if (scan !== undefined) yield* scan.items();
      else if (report.schema === "weightmark/scan-item@1") yield report;
    }
  };
  return {
    ...{ policies: [], endpoint: "https://huggingface.co", root: null, version },
    ...{ exitCode: null, startedAt: null, finishedAt: null },
    models: async function* () {
      for (const [i, { scan }] of results.entries()) {
        const single = singles[i];
        if (single !== null && single !== undefined) yield single;
        if (scan !== undefined) yield* modelsOf(scan.items());
      }
    },
    unread: () => unreadOf(items()),
    properties: {
      results: results.map(({ report, scan }) => {
        if (scan !== undefined) return { schema: scan.summary.schema, ...coverage(scan.summary) };
        const single = findingOf(report);
        const verdict = single?.verdict ?? null;
        const statements = (single?.statements ?? []).map(({ kind, holds, code }) => ({ kind, holds, code }));
        return { schema: report.schema, tool: report.tool.version, verdict, statements };
      }),
    },
  };
}

async function* modelsOf(items: AsyncIterable<ScanItemReport>): AsyncGenerator<ModelFinding> {
  for await (const item of items) if (wasRead(item)) yield ofScanItem(item);
}

async function* unreadOf(items: AsyncIterable<ScanItemReport>): AsyncGenerator<Unread> {
  for await (const item of items) {
    const { status, failure } = item;
    if (status === "failed" && failure !== null) yield { item, failure: failure as Unread["failure"] };
  }
}

function coverage(summary: ScanSummaryReport): object {
  const { inputs, include, exclude, depth, registry, keys, complete, interrupted } = summary;
  const { listed, done, duplicates, skipped, failed, verdicts, marked, reasons } = summary;
  const asked = { inputs, include, exclude, depth, registry, keys };
  return { ...asked, complete, interrupted, listed, done, duplicates, skipped, failed, verdicts, marked, reasons };
}
