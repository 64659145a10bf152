import type { CaseReport, Report, ScanSummaryReport } from "../schemas/index.ts";
import { casePage, caseVerifyPage } from "./case-page.ts";
import { commitPage } from "./commit-page.ts";
import { comparePage } from "./compare-page.ts";
import { frame } from "./document.ts";
import { identifyPage } from "./identify-page.ts";
import { madeBy } from "./inputs.ts";
import { fingerprintPage, inspectPage } from "./inspect-page.ts";
import { capacityPage, embedPage } from "./mark-page.ts";
import { type Html, html, named, type Part } from "./markup.ts";
import { qualityPage } from "./quality-page.ts";
import { doctorPage, keyPage, registryPage } from "./registry-page.ts";
import { itemPage, targetPage } from "./scan-item-page.ts";
import { type HtmlScan, scanPage } from "./scan-page.ts";
import { signaturePage, signPage } from "./signing-page.ts";
import { verifyPage } from "./watermark-page.ts";

/** A result file that a page was made from. */
export interface ResultFile {
  readonly name: string;
  /** BLAKE3 of its bytes, hex. */
  readonly digest: string;
}

/** A report that stands by itself; the summary of a scan stands with its items. */
export type SingleReport = Exclude<Report, ScanSummaryReport>;

/** What one article of a document shows: a report, or a scan with its items; and the file that it was read from, if any. */
export type HtmlResult = { readonly file: ResultFile | null } & (
  | { readonly report: SingleReport; readonly scan?: undefined }
  | { readonly scan: HtmlScan; readonly report?: undefined }
);

/**
 * Results as one page, in pieces: one file that loads nothing, can be read without scripts, printed, and is the same for the
 * same results. Every string of a model's or a user's is text in it, whatever it holds.
 */
export async function* htmlPieces(given: readonly HtmlResult[]): AsyncGenerator<string> {
  const results = given.flatMap(withContents);
  const sortable = results.some(({ scan }) => scan !== undefined);
  const { before, after } = frame(titleOf(results), headerOf(results), FOOTER, { sortable });
  yield before.toString();
  if (results.length > 1) yield contents(results).toString();
  for (const [i, result] of results.entries()) {
    yield html`<article id="result-${i + 1}">\n`.toString();
    if (result.scan !== undefined) for await (const piece of scanPage(result.scan)) yield piece.toString();
    else yield pageOf(result.report).toString();
    yield html`${origin(result)}</article>\n`.toString();
  }
  yield after.toString();
}

/** A result; a case with the results that it holds behind it, the models of a scan with the scan. */
function withContents(result: HtmlResult): HtmlResult[] {
  const { file, report } = result;
  if (report?.schema !== "weightmark/case@1") return [result];
  const shown: HtmlResult[] = [result];
  const taken = report.results.map((record) => record.result);
  let inScan = false;
  for (const [i, one] of taken.entries()) {
    if (one.schema === "weightmark/scan-summary@1") {
      shown.push({ file, scan: { summary: one, items: () => itemsBehind(taken, i) } });
      inScan = true;
    } else if (one.schema !== "weightmark/scan-item@1") {
      shown.push({ file, report: one });
      inScan = false;
    } else if (!inScan) shown.push({ file, report: one });
  }
  return shown;
}

/** The models of a scan stand behind it in a case. */
async function* itemsBehind(taken: readonly CaseReport["results"][number]["result"][], at: number) {
  for (const one of taken.slice(at + 1)) {
    if (one.schema !== "weightmark/scan-item@1") return;
    yield one;
  }
}

/** A single report as one page. */
export async function renderHtml(report: Report): Promise<string> {
  let text = "";
  const result = report.schema === "weightmark/scan-summary@1" ? { scan: withoutItems(report) } : { report };
  for await (const piece of htmlPieces([{ ...result, file: null }])) text += piece;
  return text;
}

function withoutItems(summary: ScanSummaryReport): HtmlScan {
  return { summary, items: async function* () {} };
}

const FOOTER = html`<p>This page holds no links to other places and loads nothing. It restates a result; whoever doubts it can compute the result again from the files that it names.</p>
`;

function pageOf(report: SingleReport): Html {
  switch (report.schema) {
    case "weightmark/compare@1":
      return comparePage(report);
    case "weightmark/identify@1":
      return identifyPage(report);
    case "weightmark/inspect@1":
      return inspectPage(report);
    case "weightmark/fingerprint@1":
      return fingerprintPage(report);
    case "weightmark/key@1":
      return keyPage(report);
    case "weightmark/quality@1":
      return qualityPage(report);
    case "weightmark/registry@1":
      return registryPage(report);
    case "weightmark/scan-item@1":
      return itemPage(report);
    case "weightmark/scan-target@1":
      return targetPage(report);
    case "weightmark/sign@1":
      return signPage(report);
    case "weightmark/verify@1":
      return signaturePage(report);
    case "weightmark/case@1":
      return casePage(report);
    case "weightmark/case-verify@1":
      return caseVerifyPage(report);
    case "weightmark/commit@1":
      return commitPage(report);
    case "weightmark/doctor@1":
      return doctorPage(report);
    case "weightmark/watermark-capacity@1":
      return capacityPage(report);
    case "weightmark/watermark-embed@1":
      return embedPage(report);
    case "weightmark/watermark-verify@1":
      return verifyPage(report);
  }
}

const TITLES: Readonly<Record<Report["schema"], string>> = {
  "weightmark/case@1": "Case",
  "weightmark/case-verify@1": "Verification of a case",
  "weightmark/compare@1": "Comparison of two models",
  "weightmark/identify@1": "Origin of a model",
  "weightmark/inspect@1": "Contents of a model",
  "weightmark/fingerprint@1": "Fingerprint of a model",
  "weightmark/key@1": "Watermark key",
  "weightmark/quality@1": "Quality of two models",
  "weightmark/registry@1": "Registry",
  "weightmark/scan-item@1": "One model of a scan",
  "weightmark/scan-summary@1": "Scan of many models",
  "weightmark/scan-target@1": "A model to be scanned",
  "weightmark/sign@1": "Signing of a model",
  "weightmark/verify@1": "Signature of a model",
  "weightmark/commit@1": "Commitment to a key",
  "weightmark/doctor@1": "State of an installation",
  "weightmark/watermark-capacity@1": "Capacity for a watermark",
  "weightmark/watermark-embed@1": "Embedding of a watermark",
  "weightmark/watermark-verify@1": "Search for a watermark",
};

const schemaOf = (result: HtmlResult) => (result.scan?.summary ?? result.report!).schema;

function titleOf(results: readonly HtmlResult[]): string {
  const [first] = results;
  return results.length === 1 && first !== undefined
    ? `${TITLES[schemaOf(first)]} - weightmark report`
    : `${results.length} results - weightmark report`;
}

function headerOf(results: readonly HtmlResult[]): Part {
  const [first] = results;
  return results.length === 1 && first !== undefined
    ? `weightmark report: ${TITLES[schemaOf(first)].toLowerCase()}`
    : `weightmark report: ${results.length} results`;
}

function contents(results: readonly HtmlResult[]): Html {
  // What all have in common tells none from another.
  const isOneFile = new Set(results.map(({ file }) => file?.name)).size === 1;
  const lines = results.map((result, i) => {
    const said = result.report !== undefined && "summary" in result.report ? result.report.summary : null;
    const file = result.file === null || isOneFile ? null : html` (${named(result.file.name)})`;
    return html`<li><a href="#result-${i + 1}">${TITLES[schemaOf(result)]}</a>${said === null ? null : `: ${said}`}${file}</li>\n`;
  });
  return html`<nav aria-label="Results"><ol>\n${lines}</ol></nav>\n`;
}

/** Who made the result, and which file this page restates. */
function origin(result: HtmlResult): Html {
  const { file } = result;
  const by = madeBy(result.scan?.summary ?? result.report!);
  const from =
    file === null
      ? null
      : html`<p class="small soft">Restated from the file ${named(file.name)} (BLAKE3 <span class="hash">${file.digest}</span>). No model was read for this page.</p>\n`;
  return html`<p class="small soft">Result of ${by}.</p>\n${from}`;
}
