import { escapeText } from "../escape.ts";
import { formatBytes, formatCount } from "../numbers.ts";
import type { QualityReport } from "../schemas/index.ts";
import { limitsText } from "./compare-text.ts";
import { type Style, section, table } from "./style.ts";

/** What changed in one line, then the figures, then what they rest on. */
export function qualityText(report: QualityReport, style: Style): string[] {
  const { nll, perplexity, logits, inputs } = report;
  const { interval } = nll;
  const figures = [
    ["NLL per token", `${nats(nll.a)} and ${nats(nll.b)} nats`],
    ["difference (B - A)", `${signed(nll.difference)}${interval === null ? ", no interval: too few tokens" : ""}`],
    ...(interval === null
      ? []
      : [
          [
            `  ${100 * interval.level} % interval`,
            `${signed(interval.low)} to ${signed(interval.high)}, paired over ${interval.blocks} blocks`,
          ],
        ]),
    ["perplexity", `${nats(perplexity.a)} and ${nats(perplexity.b)}, ratio ${nats(perplexity.ratio, 6)}`],
    ["KL(A || B)", `${small(report.divergence)} nats per token`],
    ["same first token", `${(100 * report.agreement).toFixed(2)} %`],
    ["logits", logits.bitEqual ? "equal to the bit" : `largest difference ${small(logits.maxDifference)}`],
  ];
  const rows = (["a", "b"] as const).map((side) => {
    const { location, modelType, bytesTotal } = inputs[side];
    return [side.toUpperCase(), escapeText(location), `${escapeText(modelType)}, ${formatBytes(Number(bytesTotal))}`];
  });
  const run = [
    `${formatCount(report.tokens, "token")} predicted in ${formatCount(report.windows, "window")} of up to ${report.context}`,
    `${formatCount(report.vocabulary, "logit")} each`,
    `engine ${escapeText(report.engine)}`,
  ];
  return [
    style.bold(escapeText(report.summary)),
    ...section("Figures", table(figures), style),
    ...section(
      "Inputs",
      table([...rows, [inputs.tokens.kind, escapeText(inputs.tokens.location), run.join(", ")]]),
      style,
    ),
    ...limitsText(report.caveats, style),
  ];
}

function nats(value: number | null, digits = 5): string {
  return value === null ? "-" : value.toPrecision(digits);
}

function signed(value: number | null): string {
  if (value === null) return "-";
  return `${value > 0 ? "+" : ""}${small(value)}`;
}

/** Three digits, however small. */
function small(value: number | null): string {
  if (value === null) return "-";
  return value === 0 ? "0" : Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toPrecision(3);
}
