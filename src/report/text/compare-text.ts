import { imageFigure, worstOf } from "../../lineage/image/words.ts";
import { escapeText } from "../escape.ts";
import { formatBytes, formatNumber, formatP, formatParameters } from "../numbers.ts";
import type { CompareReport, IdentifyReport } from "../schemas/index.ts";
import { axisText, kindText, statisticText, triedText } from "../test-words.ts";
import { layerBands } from "./layer-bands.ts";
import { atMost, type Style, section, table } from "./style.ts";

export type Comparison = NonNullable<IdentifyReport["comparison"]>;
type Input = CompareReport["inputs"]["suspect"];

/** Few enough for one screen. */
const MAX_TESTS = 6;
const MAX_CAVEATS = 8;

/** Verdict first, then why, then limits: one screen. */
export function compareText(report: CompareReport, style: Style): string[] {
  const { suspect, base } = report.inputs;
  return [
    headline(report.verdict, report.summary, style),
    ...evidenceText(report, style),
    ...limitsText(report.caveats, style),
    ...section("Inputs", table([inputRow("suspect", suspect), inputRow("base", base)]), style),
  ];
}

export function headline(verdict: string, summary: string, { bold, accent }: Style): string {
  return `${accent(bold(verdict))}: ${escapeText(summary)}`;
}

export function inputRow(side: string, input: Input): string[] {
  const read = `${formatBytes(Number(input.bytesRead))} of ${formatBytes(Number(input.bytesTotal))} read`;
  const what = `${formatParameters(Number(input.parameters))}, ${escapeText(input.family)}, ${input.depth}, ${read}`;
  return [side, escapeText(input.location), what];
}

/** Why: the decisive p and its threshold, kind of change, components, tests, layers, difference; what it assumes. */
export function evidenceText(report: Comparison, style: Style): string[] {
  const why = [...decisive(report), ...components(report), ...tests(report), ...change(report)];
  const assumptions = [...new Set(report.tests.flatMap((test) => test.assumptions))].map(
    (text) => `  - ${escapeText(text)}`,
  );
  return [...section("Why", why, style), ...section("Assumes", assumptions, style)];
}

export function limitsText(caveats: readonly string[], style: Style): string[] {
  const lines = [...new Set(caveats)].map((text) => `  - ${escapeText(text)}`);
  return section("Limits", atMost(lines, MAX_CAVEATS), style);
}

function decisive(report: Comparison): string[] {
  if (report.log10P === null) return [];
  const count = triedText(report.log10Tried);
  const needed = `1e${Math.round(report.threshold)}`;
  return [`  ${formatP(report.log10P)}, corrected for ${count} hypotheses tried; a claim needs ${needed} or less`];
}

function components(report: Comparison): string[] {
  if (report.components.length < 2) return [];
  return table(
    report.components.map(({ component, suspectComponent, verdict, log10P, retention, reason }) => [
      escapeText(suspectComponent === component ? component : `${suspectComponent} on ${component}`),
      verdict,
      log10P === null ? "" : formatP(log10P),
      retention === null ? "" : `retention ${formatNumber(retention)}`,
      reason === null ? "" : escapeText(reason),
    ]),
  );
}

function tests(report: Comparison): string[] {
  const strongest = [...report.tests].sort((a, b) => (a.log10P ?? 1) - (b.log10P ?? 1));
  const rows = strongest.map((test) => [
    test.turned === true ? `${test.name}, turned` : test.name,
    `${axisText(test)}${report.components.length > 1 && test.seenFrom === undefined ? ` of ${escapeText(test.component)}` : ""}`,
    statisticText(test),
    test.r === undefined || test.r === null ? "" : `r ${formatNumber(test.r)}`,
    `${formatP(test.log10P)} (${kindText(test)})`,
  ]);
  return atMost(table(rows), MAX_TESTS);
}

type Deep = NonNullable<Comparison["deep"]>;

function strengthText({ basis }: Deep, { gate, through, tokens }: NonNullable<Deep["strength"]>): string {
  const ofTokens = tokens === null ? "" : `, held-out tokens ${formatNumber(tokens)}`;
  const words = `gates ${formatNumber(gate)}, reads and writes ${formatNumber(through)}${ofTokens}`;
  return `  after alignment: ${words}${basis === null ? "" : `; ${basis}`}`;
}

function imageLines(image: NonNullable<Comparison["image"]>): string[] {
  const of = image.side === "suspect" ? "the suspect as the base" : "the base as the suspect";
  return [`  ${of} quantised (${escapeText(image.scheme)}): ${imageFigure(image)}`, `  ${escapeText(worstOf(image))}`];
}

function change(report: Comparison): string[] {
  const lines: string[] = [];
  const bands = layerBands(report.layers);
  if (bands !== "") lines.push(`  layers of the suspect found in the base: ${bands}`);
  if (report.image !== undefined) lines.push(...imageLines(report.image));
  if (report.deep?.strength) lines.push(strengthText(report.deep, report.deep.strength));
  if (report.relations.length === 0) return lines;
  const { scale, drift, frozenTensors, comparedTensors, loraRank, quantization } = report.difference;
  const details = [
    loraRank === undefined ? [] : [`rank ${loraRank}`],
    quantization === undefined ? [] : [escapeText(quantization)],
    drift === null ? [] : [`drift ${formatNumber(drift)}`],
    scale === null ? [] : [`scale ${formatNumber(scale)}`],
    comparedTensors === 0 ? [] : [`${frozenTensors} of ${comparedTensors} matrices equal where read`],
  ].flat();
  lines.push(`  kind of change: ${[report.relations.map(escapeText).join(", "), ...details].join("; ")}`);
  return lines;
}
