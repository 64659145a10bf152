import { escapeText } from "../escape.ts";
import { formatCount, formatP } from "../numbers.ts";
import type { IdentifyReport } from "../schemas/index.ts";
import { evidenceText, headline, inputRow, limitsText } from "./compare-text.ts";
import { atMost, type Style, section, table } from "./style.ts";

const MAX_CANDIDATES = 10;

export function identifyText(report: IdentifyReport, style: Style): string[] {
  const rows = report.candidates.map((candidate) => [
    escapeText(candidate.name),
    candidate.verdict,
    formatP(candidate.log10P),
    formatCount(candidate.matchedLayers, "layer"),
    candidate.relations.map(escapeText).join(", "),
  ]);
  const { entries, digest } = report.registry;
  const registry = ["registry", escapeText(report.registry.location), `${entries} registered, ${digest.slice(0, 16)}`];
  return [
    headline(report.verdict, report.summary, style),
    ...section("Candidates", atMost(table(rows), MAX_CANDIDATES), style),
    ...(report.comparison === null ? [] : evidenceText(report.comparison, style)),
    ...limitsText(report.caveats, style),
    ...section("Inputs", table([inputRow("suspect", report.inputs.suspect), registry]), style),
  ];
}
