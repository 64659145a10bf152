import { escapeText } from "../escape.ts";
import { formatBytes, formatCount, formatParameters } from "../numbers.ts";
import type { FingerprintReport, InspectReport } from "../schemas/index.ts";
import { limitsText } from "./compare-text.ts";
import { atMost, type Style, section, table } from "./style.ts";

const MAX_ROWS = 16;

export function inspectText(report: InspectReport, style: Style): string[] {
  const { model } = report.inputs;
  const sure = report.confidence === 1 ? "" : `, roles ${Math.round(100 * report.confidence)} % certain`;
  return [
    `${style.bold(escapeText(model.location))}: ${escapeText(report.family)}, ${formatParameters(Number(report.parameters))}${sure}`,
    `${report.container}, ${formatCount(report.tensors, "tensor")} in ${formatCount(report.files.length, "file")}, ${formatBytes(Number(model.bytesTotal))}; ${formatBytes(Number(model.bytesRead))} read`,
    `manifest root ${model.manifestRoot}`,
    ...section(
      "Components",
      table(
        report.components.map(({ component, layers, matrices }) => [
          escapeText(component),
          formatCount(layers, "layer"),
          formatCount(matrices, "matrix", "matrices"),
        ]),
      ),
      style,
    ),
    ...section(
      "Types",
      table(
        report.dtypes.map(({ dtype, tensors, bytes }) => [
          dtype,
          formatCount(tensors, "tensor"),
          formatBytes(Number(bytes)),
        ]),
      ),
      style,
    ),
    ...section(
      "Roles",
      atMost(table(report.roles.map(({ role, matrices }) => [role, String(matrices)])), MAX_ROWS),
      style,
    ),
    ...limitsText(report.notes, style).map((line, i) => (i === 1 ? style.bold("Notes") : line)),
  ];
}

export function fingerprintText(report: FingerprintReport, style: Style): string[] {
  const { model } = report.inputs;
  const { fingerprint, output } = report;
  return [
    `${style.bold(escapeText(output.location))}: fingerprint of ${escapeText(model.location)}, ${formatBytes(output.bytes)}`,
    `${escapeText(model.family)}, ${formatParameters(Number(model.parameters))}, ${formatCount(fingerprint.layers, "layer")}, depth ${model.depth}, ${formatBytes(Number(model.bytesRead))} of ${formatBytes(Number(model.bytesTotal))} read`,
    `digest ${output.digest}`,
    ...limitsText(fingerprint.notes, style).map((line, i) => (i === 1 ? style.bold("Notes") : line)),
  ];
}
