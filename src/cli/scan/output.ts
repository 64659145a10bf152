import { toJson } from "../../report/escape.ts";
import { scanItemReport } from "../../report/scan/build.ts";
import type { ScanExport } from "../../report/scan/export.ts";
import { isFinding, TopFindings } from "../../report/scan/finding.ts";
import type { ScanItemReport } from "../../report/schemas/index.ts";
import { scanItemText, scanSummaryText } from "../../report/text/scan-text.ts";
import { type Style, style } from "../../report/text/style.ts";
import type { ScanItem } from "../../scan/index.ts";
import { inFlags } from "../advice.ts";
import type { ScanFormat } from "./options.ts";

/** Few enough for one screen. */
const MAX_FINDINGS = 10;

/** The whole result of a scan in one format, in pieces. */
export async function* scanPieces(scan: ScanExport, format: ScanFormat, colour: boolean): AsyncGenerator<string> {
  switch (format) {
    case "text":
      return yield* textPieces(scan, style(colour));
    case "json":
      return yield* (await import("../../report/scan/document.ts")).scanDocument(scan);
    case "jsonl":
      return yield* (await import("../../report/scan/document.ts")).scanLines(scan);
    case "html":
      return yield* htmlPage(scan);
    case "sarif":
      return yield* await sarif(scan);
    case "cyclonedx":
      return yield* await bom(scan);
  }
}

async function sarif(scan: ScanExport): Promise<AsyncIterable<string>> {
  const [{ sarifLog }, { sarifOfScan }] = await Promise.all([
    import("../../report/sarif/sarif.ts"),
    import("../../report/sarif/sarif-source.ts"),
  ]);
  return sarifLog(sarifOfScan(scan));
}

async function bom(scan: ScanExport): Promise<AsyncIterable<string>> {
  const [{ cycloneDxBom }, { bomOfScan }] = await Promise.all([
    import("../../report/cyclonedx/cyclonedx.ts"),
    import("../../report/cyclonedx/bom-source.ts"),
  ]);
  return cycloneDxBom(bomOfScan(scan));
}

async function* htmlPage({ run, summary, items }: ScanExport): AsyncGenerator<string> {
  const { htmlPieces } = await import("../../report/html/render-html.ts");
  const reports = async function* () {
    for await (const item of items()) yield scanItemReport(run, item);
  };
  yield* htmlPieces([{ scan: { summary, items: reports }, file: null }]);
}

async function* textPieces(scan: ScanExport, emphasis: Style): AsyncGenerator<string> {
  const printer = textPrinter(scan.run, emphasis);
  for await (const item of scan.items()) yield printer.item(item);
  yield printer.summary(scan.summary);
}

/** What prints items as they end, and the summary after the last. */
export interface ScanPrinter {
  item(item: ScanItem): string;
  summary(report: ScanExport["summary"]): string;
}

/** A printer for the formats that can be printed as items end; null for those that are one document. */
export function scanPrinter(run: ScanExport["run"], format: ScanFormat, colour: boolean): ScanPrinter | null {
  if (format === "text") return textPrinter(run, style(colour));
  if (format !== "jsonl") return null;
  return {
    item: (item) => `${toJson(scanItemReport(run, item), 0)}\n`,
    summary: (report) => `${toJson(report, 0)}\n`,
  };
}

function textPrinter(run: ScanExport["run"], emphasis: Style): ScanPrinter {
  const findings = new TopFindings(MAX_FINDINGS);
  let printed = 0;
  const report = (item: ScanItem): ScanItemReport => scanItemReport(run, item);
  return {
    item(item) {
      printed += 1;
      if (isFinding(item)) findings.add(item);
      return `${scanItemText(report(item), emphasis).join("\n")}\n`;
    },
    summary(summary) {
      const shown = { items: findings.items.map(report), count: findings.count };
      const lines = scanSummaryText(summary, emphasis, shown);
      // The last line says in words of the program what the exit code means; names of models stand in the others.
      const ending = inFlags(lines.pop() ?? "");
      return `${printed === 0 ? "" : "\n"}${[...lines, ending].join("\n")}\n`;
    },
  };
}
