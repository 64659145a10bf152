import { formatBytes, formatCount } from "../numbers.ts";
import type { QualityReport } from "../schemas/index.ts";
import { facts, hashText, list, section, table } from "./blocks.ts";
import { againSection, commandLine, inputsSection } from "./inputs.ts";
import { type Html, html, named } from "./markup.ts";
import { intervals } from "./pictures/intervals.ts";
import { figures } from "./pictures/picture.ts";
import { banner } from "./verdict.ts";

export function qualityPage(report: QualityReport): Html {
  const { nll, perplexity, logits, inputs, engine, context } = report;
  const { interval } = nll;
  const numbers = [
    ["Negative log-likelihood per token, A", digits(nll.a)],
    ["Negative log-likelihood per token, B", digits(nll.b)],
    ["Difference, B less A", digits(nll.difference)],
    ...(interval === null
      ? [["Interval of the difference", "none: too few tokens"]]
      : [
          [
            `${100 * interval.level} % interval of the difference`,
            `${digits(interval.low)} to ${digits(interval.high)}, over ${interval.blocks} blocks`,
          ],
        ]),
    ["Perplexity, A", digits(perplexity.a)],
    ["Perplexity, B", digits(perplexity.b)],
    ["Perplexity, B over A", digits(perplexity.ratio)],
    ["KL divergence of B from A, nats per token", digits(report.divergence)],
    ["Same first token", `${(100 * report.agreement).toFixed(2)} %`],
    ["Logits", logits.bitEqual ? "equal to the bit" : `largest difference ${digits(logits.maxDifference)}`],
  ];
  const { a, b, tokens } = inputs;
  const command = commandLine("quality", { [tokens.kind]: "TOKENS", context: String(context) }, [
    a.location,
    b.location,
  ]);
  return html`${banner({
    word: "Quality of two models",
    sentence: report.summary,
    claim: false,
    paragraphs: [
      `The same ${formatCount(report.tokens, "token")} were predicted by both. This compares what models do; it says nothing of where their weights come from.`,
    ],
  })}${section(
    "Figures",
    table(
      "What was measured",
      [
        { head: "Figure", kind: "wide" },
        { head: "Value", kind: "number" },
      ],
      numbers,
    ),
    figures([intervalPicture(report)]),
  )}${report.caveats.length === 0 ? null : section("Limits of this result", list(report.caveats))}${inputsSection(
    (["a", "b"] as const).map((side) => {
      const { location, modelType, manifestRoot, bytesTotal } = inputs[side];
      return html`<h3>Model ${side.toUpperCase()}</h3>
${facts([
  ["Where", named(location)],
  ["Type", modelType],
  ["Weights", formatBytes(Number(bytesTotal))],
  ["Digest of the layout", hashText(manifestRoot)],
])}`;
    }),
    html`<h3>Tokens</h3>\n`,
    facts([
      ["From", named(tokens.location)],
      ["Windows", `${report.windows} of up to ${context} tokens`],
      ["Logits each", report.vocabulary.toLocaleString("en-US")],
      ["Engine", engine],
    ]),
  )}${againSection(command, "TOKENS is the file of the text or of the token ids. Another engine may give other last digits.")}`;
}

function intervalPicture({ nll: { difference, interval } }: QualityReport): Html | null {
  if (interval === null || difference === null || interval.low === null || interval.high === null) return null;
  const row = { name: "B less A", value: difference, low: interval.low, high: interval.high };
  return intervals(
    "Change of the negative log-likelihood",
    "nats per token",
    [row],
    `The dot is the change, the line its ${100 * interval.level} % interval. Above 0, B predicts this text worse than A.`,
  );
}

function digits(value: number | null): string {
  if (value === null) return "-";
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toPrecision(5);
}
