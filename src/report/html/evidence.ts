import { formatNumber, formatP } from "../numbers.ts";
import { axisText, kindText, statisticText, triedText } from "../test-words.ts";
import { type Column, list, paragraph, section, table } from "./blocks.ts";
import { chanceText } from "./chance.ts";
import type { Comparison } from "./comparison.ts";
import { imageSection } from "./image-section.ts";
import { layerMaps } from "./layer-pictures.ts";
import { type Html, html, named, type Part } from "./markup.ts";
import { isAdapterAlone, NOT_GUILT } from "./meaning.ts";
import { figures } from "./pictures/picture.ts";
import { spectrum } from "./pictures/spectrum.ts";
import { retentionPictures } from "./retention-pictures.ts";
import { testPictures } from "./test-pictures.ts";

/** How sure the verdict is, in a paragraph of its own; null where nothing of the kind exists. */
export function certainty(report: Comparison): Part {
  const { verdict, log10P, log10Tried, threshold, deep } = report;
  if (verdict === "identical" || verdict === "recast" || verdict === "not-testable") return null;
  if (deep?.basis === "calibrated") return "No probability exists for this finding.";
  if (log10P === null) return null;
  const tried = waysText(log10Tried);
  const needed = chanceText(threshold);
  if (verdict === "no-evidence") {
    return html`Chance alone gives an agreement like the one that was found ${log10P > -3 ? "often" : "at times"}: ${formatP(log10P)}, ${tried}. A claim needs ${needed}.`;
  }
  return html`If the two had nothing to do with each other, an agreement as strong as this would come about by chance with a probability of <strong>${chanceText(log10P)}</strong>, ${tried}. A claim needs ${needed}. ${NOT_GUILT}`;
}

function waysText(log10Tried: number): string {
  const ways = triedText(log10Tried);
  return `after correction for ${ways} ${ways === "1" ? "way that was" : "ways that were"} tried`;
}

/** Everything that the verdict rests on: parts, tests, layers, differences, assumptions. */
export function evidenceSections(report: Comparison): Html {
  const assumptions = [...new Set(report.tests.flatMap((test) => test.assumptions))];
  return html`${section("Parts of the model", partsText(report), partsTable(report), figures(retentionPictures(report)))}${section(
    "What the tests found",
    paragraph(
      "Each picture shows what chance alone gives as a grey hill, and what was found as a line. A line far from the hill is an agreement that chance does not explain.",
    ),
    figures(testPictures(report)),
    testTable(report),
    assumptions.length === 0 ? null : html`<h3>What the tests assume</h3>\n${list(assumptions)}`,
  )}${imageSection(report)}${layerMaps(report)}${changeSection(report)}`;
}

function partsText({ components, deep }: Comparison): Html {
  const moved = deep === undefined || deep.basis === null ? null : paragraph(movedText(deep));
  return html`${paragraph(
    components.length === 0
      ? "No part of the suspect could be laid over a part of the base."
      : "Every part of the suspect is held against the part of the base that it resembles, and gets a verdict of its own.",
  )}${moved}`;
}

function movedText(deep: NonNullable<Comparison["deep"]>): string {
  if (isAdapterAlone({ deep })) {
    return "An adapter by itself has no parts that could be laid over those of a model. The verdict comes from tests of the order of the units that the adapter was trained beside.";
  }
  const { moved, basis } = deep;
  const what = moved.length === 0 ? "" : ` What was moved: ${moved.join(", ").replaceAll("-", " ")}.`;
  return `The plain tests, which look at every unit in its place, were silent. The verdict comes from tests that look past units that were renumbered or turned on purpose, and its ground is ${basis}.${what}`;
}

function partsTable({ components }: Comparison): Html | null {
  const columns: Column[] = [
    { head: "Part of the suspect" },
    { head: "Part of the base" },
    { head: "Verdict" },
    { head: "p, corrected", kind: "number" },
    { head: "r", kind: "number" },
    { head: "Training found", kind: "number" },
    { head: "Reason", kind: "wide" },
  ];
  const rows = components.map(({ suspectComponent, component, verdict, log10P, r, retention, reason }) => [
    named(suspectComponent),
    named(component),
    verdict,
    log10P === null ? "-" : formatP(log10P),
    formatNumber(r),
    formatNumber(retention),
    reason,
  ]);
  return table(
    "Verdicts by part; r is the correlation of weights, training found the share of the base's training that the suspect has",
    columns,
    rows,
  );
}

function testTable({ tests }: Comparison): Html | null {
  const columns: Column[] = [
    { head: "Test" },
    { head: "Part" },
    { head: "Labels", kind: "wide" },
    { head: "Statistic" },
    { head: "r", kind: "number" },
    { head: "p of the test", kind: "number" },
    { head: "Kind of p" },
  ];
  const strongest = [...tests].sort((a, b) => (a.log10P ?? 1) - (b.log10P ?? 1));
  const rows = strongest.map((test) => [
    test.turned === true ? `${test.name}, turned` : test.name,
    named(test.component),
    axisText(test),
    statisticText(test) || "-",
    formatNumber(test.r),
    test.log10P === null ? "-" : formatP(test.log10P),
    `${kindText(test)}${test.exact ? "" : "; not counted below 1e-6"}`,
  ]);
  return table("Every test that was made, each by itself and not corrected", columns, rows);
}

function changeSection({ relations, difference, deep }: Comparison): Html | null {
  const { scale, drift, frozenTensors, comparedTensors, loraRank, quantization } = difference;
  const strength = deep?.strength ?? null;
  const lines: Part[] = [
    relations.length === 0 ? null : html`Kind of change: <strong>${relations.join(", ")}</strong>.`,
    loraRank === undefined ? null : `The difference has rank ${loraRank}, as that of an adapter of this rank.`,
    quantization === undefined ? null : html`The values lie on a grid: ${quantization}.`,
    drift === null
      ? null
      : `Drift: what was changed is ${formatNumber(drift)} of the size of the weights (median over matrices).`,
    scale === null
      ? null
      : `Scale: the suspect has ${formatNumber(scale)} times the base's values (median over matrices).`,
    comparedTensors === 0 ? null : `${frozenTensors} of ${comparedTensors} matrices are equal wherever they were read.`,
    strength === null
      ? null
      : `After matching, units resemble each other by ${formatNumber(strength.gate)} (what neurons read first) and ${formatNumber(strength.through)} (what they read and write)${strength.tokens === null ? "" : `, token rows that were held out by ${formatNumber(strength.tokens)}`}; 1 is equality.`,
  ];
  const told = lines.filter((line) => line !== null);
  return told.length === 0 || relations.length + (drift === null ? 0 : 1) === 0
    ? null
    : section("How the suspect differs from the base", list(told), figures([rankPicture(difference)]));
}

/** Where the difference has a low rank: which directions stand out of what rounding leaves. */
function rankPicture({ loraRank, spectra = [] }: Comparison["difference"]): Html | null {
  if (loraRank === undefined) return null;
  return spectrum(
    "Directions of the difference",
    `rank ${loraRank}: so many singular values lie above what rounding leaves, in ${spectra.length} matrices`,
    `The strength of the directions in which matrices were changed, strongest first, as a multiple of what the rounding of the compared pieces alone could give (the line at 1). What trains all weights leaves no gap; here ${loraRank} stand out and the rest is rounding, which is how adapters of this rank change a model. Pieces of ${spectra.length} matrices, dots of all in one picture.`,
    spectra.map(({ values }) => values),
  );
}

export function caveatsSection(
  caveats: readonly string[],
  general: readonly string[],
  method: readonly string[],
): Html {
  const own = [...new Set(caveats)];
  return html`${section(
    "Limits of this result",
    own.length === 0 ? paragraph("The result names no limits of its own beyond the general ones.") : list(own),
  )}${section(
    "Method and limits, for readers who are no engineers",
    method.map((text) => paragraph(text)),
    html`<h3>What this result does not say</h3>\n`,
    list(general),
  )}`;
}
