import { escapeText } from "../escape.ts";
import { formatBytes, formatCount, formatNumber, formatParameters } from "../numbers.ts";
import type { WatermarkCapacityReport, WatermarkEmbedReport, WatermarkVerifyReport } from "../schemas/index.ts";
import { timeText } from "./commit-text.ts";
import { limitsText } from "./compare-text.ts";
import { type Style, section, table } from "./style.ts";

type Capacity = WatermarkCapacityReport["carriers"][number];
type Payload = NonNullable<WatermarkEmbedReport["payload"]>;

const UNITS = {
  orientation: "sign",
  spread: "weight",
  difference: "weight",
  subspace: "weight",
  embedding: "projection",
  head: "projection",
} as const;

export function capacityText(report: WatermarkCapacityReport, style: Style): string[] {
  const { bold, accent } = style;
  const fits =
    report.payloadBits === null
      ? "no mark fits into this model"
      : report.payloadBits === 0
        ? "a mark without payload fits"
        : `a payload of up to ${report.payloadBits} bits fits`;
  const cost =
    report.predictedRms === 0 ? "turns signs, which changes no output" : rmsText(report.predictedRms, report.mode);
  return [
    `${accent(bold(fits))}: ${formatParameters(Number(report.parameters))}, strength ${report.rho}; ${cost}`,
    ...section("Carriers", table(report.carriers.map(capacityRow)), style),
    ...limitsText(report.caveats, style),
  ];
}

function rmsText(rms: number, mode: WatermarkEmbedReport["mode"]): string {
  return mode === "release"
    ? `moves the marked weights by ${rms.toPrecision(2)} of their RMS`
    : `moves the difference to the base by ${rms.toPrecision(2)} of its RMS`;
}

function holds(bits: number | null): string {
  return bits === null ? "-" : bits === 0 ? "zero-bit" : `${bits} bits`;
}

function capacityRow(carrier: Capacity): string[] {
  const survives = [
    carrier.decodesTo === null ? [] : [`decoded to r ${formatNumber(carrier.decodesTo)}`],
    carrier.detectsTo === null ? [] : [`found to r ${formatNumber(carrier.detectsTo)}`],
  ].flat();
  return [
    carrier.name,
    holds(carrier.payloadBits),
    formatCount(carrier.units, UNITS[carrier.name]),
    carrier.statistic === null ? "" : `z ${formatNumber(carrier.statistic)}`,
    [survives.join(", "), carrier.note === null ? "" : escapeText(carrier.note)]
      .filter((text) => text !== "")
      .join("; "),
  ];
}

function payloadText({ hex, text, bits }: Payload): string {
  return `${hex} (${bits} bits${text === null ? "" : `, "${escapeText(text)}"`})`;
}

export function embedText(report: WatermarkEmbedReport, style: Style): string[] {
  const { bold, accent } = style;
  const rows = report.carriers.map((carrier) => [
    carrier.name,
    holds(carrier.payloadBits),
    formatCount(carrier.units, UNITS[carrier.name]),
    carrier.payloadBits === null ? "" : `z ${formatNumber(carrier.achieved)}`,
    [
      carrier.rms === null || carrier.rms === 0 ? "" : rmsText(carrier.rms, report.mode),
      carrier.note === null ? "" : escapeText(carrier.note),
    ]
      .filter((text) => text !== "")
      .join("; "),
  ]);
  const { directory, files, bytes } = report.output;
  const written = [["copy", escapeText(directory), `${formatCount(files, "file")}, ${formatBytes(Number(bytes))}`]];
  if (report.sketch !== null) {
    const { path, bytes: size } = report.sketch;
    written.push(["sketch", escapeText(path), `${formatBytes(Number(size))}; secret, keep it with the key`]);
  }
  return [
    `${accent(bold("marked"))}: key ${report.keyId}, ${report.payload === null ? "no payload" : `payload ${payloadText(report.payload)}`}`,
    ...section("Carriers", table(rows), style),
    ...section("Written", table(written), style),
    ...limitsText(report.caveats, style),
  ];
}

export function verifyText(report: WatermarkVerifyReport, style: Style): string[] {
  const { bold, accent } = style;
  const verdict = report.present ? `mark of key ${report.keyId} found` : `mark of key ${report.keyId} not found`;
  const why = [
    `  ${boundText(report.log2P)}, corrected for 2^${Math.ceil(report.log2Tried)} hypotheses; evidence needs 2^-40, strong 2^-64, forensic 2^-128`,
    ...(report.payload === null ? [] : [`  payload ${payloadText(report.payload)}, ${report.payload.how}`]),
    ...(report.decoys === null
      ? []
      : [`  ranks ${report.decoys.rank} among ${formatCount(report.decoys.count, "decoy key")} and itself`]),
  ];
  const carriers = report.carriers.map(({ name, payloadBits, statistic, log2P, present, synchronised }) => [
    name,
    holds(payloadBits),
    `z ${formatNumber(statistic)}`,
    boundText(log2P),
    `${present ? "present" : "silent"}${synchronised ? ", re-synchronised" : ""}`,
  ]);
  return [
    `${accent(bold(report.present ? report.level : "not found"))}: ${verdict}`,
    ...section("Why", why, style),
    ...section("Carriers, each by itself and not corrected", table(carriers), style),
    ...(report.alignment === null ? [] : section("Alignment", alignmentText(report.alignment), style)),
    ...againstText(report.inputs, style),
    ...committedText(report.commitment, style),
    ...limitsText(report.caveats, style),
  ];
}

/** What decided with the suspect and the key, by its digest: a p-value holds for what was fixed before. */
function againstText({ base, reference, tokenizer }: WatermarkVerifyReport["inputs"], style: Style): string[] {
  const named = { base, sketch: reference, tokenizer };
  const rows = Object.entries(named).flatMap(([name, file]) =>
    file === null ? [] : [[name, escapeText(file.location), file.digest]],
  );
  return rows.length === 0 ? [] : section("Read with", table(rows), style);
}

/** What the key was read from, and what is shown of when it was there. */
function committedText(commitment: WatermarkVerifyReport["commitment"], style: Style): string[] {
  if (commitment === undefined) return [];
  const { digest, opened, time } = commitment;
  const choice =
    opened === null
      ? []
      : [
          `  layers ${opened.layers.join(", ")} of ${opened.of} were opened and read, and no others`,
          opened.isChallenged
            ? "  they follow from the challenge that was given"
            : `  p is corrected for 2^${opened.log2Choices} ways to choose them`,
        ];
  return [...section("Committed", [`  ${digest}`, ...choice], style), ...timeText(time, style)];
}

/** An upper bound on p, rounded up to a power of two. */
function boundText(log2P: number): string {
  return log2P > -1 ? "p > 0.5" : `p <= 2^${Math.ceil(log2P)}`;
}

function alignmentText(alignment: NonNullable<WatermarkVerifyReport["alignment"]>): string[] {
  const { rotation, layers, layersMatched, agreement } = alignment;
  const agreed = agreement === null ? "" : `, agreement ${formatNumber(agreement)}`;
  return [
    `  ${layersMatched} of ${formatCount(layers, "layer")} found${agreed}; residual axis: ${escapeText(rotation)}`,
  ];
}
