import { formatBytes, formatCount } from "../numbers.ts";
import { isAccusing, isFinding } from "../scan/finding.ts";
import type { ScanItemReport, ScanSummaryReport } from "../schemas/index.ts";
import { facts, hashText, paragraph, section, TABLE_END, table, tableHead, tableRow } from "./blocks.ts";
import { caveatsSection } from "./evidence.ts";
import { inputsSection, madeBy } from "./inputs.ts";
import { type Html, html, named, type Part } from "./markup.ts";
import { LINEAGE_LIMITS, LINEAGE_METHOD, VERDICT_WORDS } from "./meaning.ts";
import { type Edge, lineageGraph } from "./pictures/lineage-graph.ts";
import { SCAN_COLUMNS, scanRow } from "./scan-rows.ts";
import { banner } from "./verdict.ts";

/** A scan, whose items are as many as there are: each time that they are asked for they come in the same order. */
export interface HtmlScan {
  readonly summary: ScanSummaryReport;
  readonly items: () => AsyncIterable<ScanItemReport>;
}

/** Lines that a graph can show apart. */
const MOST_EDGES = 40;
/** Different limits of findings that are told. */
const MOST_CAVEATS = 50;
/** Rows beyond which a table gets a height of its own and scrolls in it. */
const TALL = 40;
/** Rows that a browser still sorts at once. */
const MOST_ROWS = 20_000;

/** The page of a scan, in pieces: rows are printed as they are read, whatever their number. */
export async function* scanPage({ summary, items }: HtmlScan): AsyncGenerator<Html> {
  const { edges, related, findings, models, caveats } = await survey(items());
  yield banner(bannerOf(summary, findings));
  yield html`${graphSection(edges, related)}${coverageSection(summary)}`;
  yield html`<section>\n<h2>All models</h2>\n`;
  if (models === 0)
    yield paragraph(
      summary.listed === 0 ? "No model was found." : "The result holds the summary alone, and no models.",
    );
  else {
    yield paragraph(
      "Findings are told in the words of the result. Where scripts run, a click on a column sorts by it; without, models stand by their names.",
    );
    yield tableHead("Every model of the scan", SCAN_COLUMNS, { sortable: true, tall: models > TALL });
    let rows = 0;
    for await (const item of items()) {
      if (rows < MOST_ROWS) yield tableRow(SCAN_COLUMNS, scanRow(item));
      rows += 1;
    }
    yield TABLE_END;
    if (rows > MOST_ROWS) {
      yield paragraph(`${formatCount(rows - MOST_ROWS, "more model")} are left out here; the JSON result names them.`);
    }
  }
  yield html`</section>\n${caveatsSection([...limits(summary), ...told(caveats)], LINEAGE_LIMITS, LINEAGE_METHOD)}${inputs(summary)}`;
}

/** Caveats name models, so there may be as many as there are models. */
function count(caveats: Map<string, number>, caveat: string): void {
  if (caveats.size < MOST_CAVEATS || caveats.has(caveat)) caveats.set(caveat, (caveats.get(caveat) ?? 0) + 1);
}

/** What stands above and below the rows: no more of it than is shown. */
async function survey(items: AsyncIterable<ScanItemReport>) {
  const edges: Edge[] = [];
  let models = 0;
  let related = 0;
  let findings = 0;
  const caveats = new Map<string, number>();
  for await (const item of items) {
    models += 1;
    if (isFinding(item)) findings += 1;
    const [best] = item.matches;
    if (isFinding(item)) for (const caveat of item.caveats) count(caveats, caveat);
    if (!isAccusing(item.verdict) || best === undefined || item.status === "duplicate") continue;
    related += 1;
    if (edges.length < MOST_EDGES) {
      edges.push({
        model: item.name,
        base: best.name,
        directed: best.direction === "suspect-from-base" && best.verdict === "derived",
      });
    }
  }
  return { edges, related, findings, models, caveats };
}

function bannerOf(summary: ScanSummaryReport, findings: number) {
  const { listed, keys, registry, complete, interrupted, skipped, failed } = summary;
  const against = [
    registry === null ? [] : ["the registered bases"],
    keys.length === 0 ? [] : [formatCount(keys.length, "watermark key")],
  ].flat();
  const sentence = `${formatCount(findings, "finding")} among ${formatCount(listed, "model")}.`;
  const unread = skipped + failed;
  return {
    word: interrupted ? "Scan interrupted" : complete ? "Scan complete" : "Scan incomplete",
    sentence,
    claim: findings > 0,
    paragraphs: [
      `Models were held against ${against.join(" and ") || "nothing"}. A finding is a model that shares weights with a registered base, or carries the mark of a key.`,
      ...(unread === 0 ? [] : [`Of ${formatCount(unread, "model")} nothing is known: they were skipped or failed.`]),
      "No finding is no proof that a model is unrelated to the registered bases, or to others.",
    ] satisfies Part[],
  };
}

function graphSection(edges: readonly Edge[], related: number): Html | null {
  if (edges.length === 0) return null;
  const more = related - edges.length;
  return section(
    "Lineage",
    lineageGraph(
      "Which model goes with which base",
      edges,
      "Registered bases to the left, models to the right. An arrow: the model derives from the base. A broken line: weights are shared, and which came first is not shown, or both are equal. The table below says the same in words.",
    ),
    more > 0 ? paragraph(`${formatCount(more, "more model")} with findings are in the table alone.`) : null,
  );
}

function coverageSection(summary: ScanSummaryReport): Html {
  const verdicts = summary.verdicts.map(({ verdict, count }) => [VERDICT_WORDS[verdict], verdict, count]);
  const reasons = summary.reasons.map(({ status, code, passing, count }) => [
    status,
    code,
    count,
    passing ? "yes" : "no",
  ]);
  const { listed, done, duplicates, skipped, failed, marked, keys } = summary;
  return section(
    "What was covered",
    facts([
      ["Models listed", listed.toLocaleString("en-US")],
      ["Done", done.toLocaleString("en-US")],
      ["Duplicates", duplicates.toLocaleString("en-US")],
      ["Skipped", skipped.toLocaleString("en-US")],
      ["Failed", failed.toLocaleString("en-US")],
      ["With a mark", keys.length === 0 ? "no key was asked for" : marked.toLocaleString("en-US")],
      ["Weights", formatBytes(Number(summary.bytesTotal))],
    ]),
    table(
      "Verdicts",
      [{ head: "Verdict" }, { head: "Word of the result" }, { head: "Models", kind: "number" }],
      verdicts,
    ),
    table(
      "Why models have no result",
      [{ head: "Status" }, { head: "Code" }, { head: "Models", kind: "number" }, { head: "Worth another try" }],
      reasons,
    ),
  );
}

function told(caveats: ReadonlyMap<string, number>): string[] {
  const lines = [...caveats].map(([caveat, count]) => `Of ${formatCount(count, "finding")}: ${caveat}`);
  return caveats.size < MOST_CAVEATS ? lines : [...lines, "Findings have more limits, which the JSON result names."];
}

function limits(summary: ScanSummaryReport): string[] {
  return [
    "No evidence does not prove that a model is unrelated to the registered bases, or to others.",
    ...(summary.registry === null ? ["Models were held against no registry."] : []),
    ...(summary.skipped + summary.failed > 0 ? ["Of models that were skipped or failed nothing is known."] : []),
    ...(summary.complete ? [] : ["The scan did not come to its end: there may be more models, and more findings."]),
    "The table gives the best base of a model. A report on one model, from the identify command, has its evidence in full.",
  ];
}

function inputs(summary: ScanSummaryReport): Html {
  const { registry, depth, keys, include, exclude, maxBytes, timeout, exitCode } = summary;
  const names = (list: readonly string[]): Part =>
    list.length === 0 ? null : list.map((name, i) => [i === 0 ? null : ", ", named(name)]);
  return inputsSection(
    facts([
      ["Scanned", names(summary.inputs)],
      ["Only", names(include)],
      ["Left out", names(exclude)],
      ["Reading depth", depth],
      ["Registry", registry === null ? "none" : named(registry.location)],
      ["Digest of the registry", hashText(registry?.digest ?? null)],
      ["Watermark keys", names(keys)],
      ["Bytes a model at most", maxBytes],
      ["Seconds a model at most", timeout],
      ["Exit code", exitCode],
      ["Made by", madeBy(summary)],
    ]),
    paragraph(
      "The same scan again: scan the same places against the same registry with the same options. Results of models that did not change come out the same.",
    ),
  );
}
