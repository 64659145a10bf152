import { escapeText } from "../escape.ts";
import { formatBytes, formatCount, formatParameters } from "../numbers.ts";
import type { FingerprintReport, InspectReport } from "../schemas/index.ts";
import { limitsText } from "./compare-text.ts";
import { atMost, type Style, section, table } from "./style.ts";

const MAX_ROWS = 16;
/** Tensors named in one line. */
const NAMED = 3;

type Named = InspectReport["empty"];

export function inspectText(report: InspectReport, style: Style): string[] {
  const { model } = report.inputs;
  // Decoded weights stand in a virtual file, of which nothing is stored.
  const files = report.files.filter(({ bytes }) => bytes !== "0").length;
  const sure = report.confidence === 1 ? "" : `, roles ${Math.round(100 * report.confidence)} % certain`;
  return [
    `${style.bold(escapeText(model.location))}: ${escapeText(report.family)}, ${formatParameters(Number(report.parameters))}${sure}`,
    `${report.container}, ${formatCount(report.tensors, "tensor")} in ${formatCount(files, "file")}, ${formatBytes(Number(model.bytesTotal))}; ${formatBytes(Number(model.bytesRead))} read`,
    `manifest root ${model.manifestRoot}`,
    ...section(
      "Components",
      table(
        report.components.map(({ component, layers, matrices, testable, reason }) => [
          escapeText(component),
          formatCount(layers, "layer"),
          formatCount(matrices, "matrix", "matrices"),
          testable ? "testable" : `not testable${reason === null ? "" : `: ${reason}`}`,
        ]),
      ),
      style,
    ),
    ...section("Adapter", adapterText(report.adapter), style),
    ...section("Values", [...coverageText(report.values), ...table(findings(report))], style),
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
      "Decoded from",
      table(report.schemes.map(({ scheme, tensors }) => [escapeText(scheme), formatCount(tensors, "tensor")])),
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

function adapterText(adapter: InspectReport["adapter"]): string[] {
  if (adapter === null) return [];
  const { kind, tensors, ofTensors, base } = adapter;
  const what = kind === "other" ? "modules trained beside a model" : kind;
  const of = base === null ? "" : `; adapter_config.json names the base "${escapeText(base)}"`;
  const isLora = kind === "lora" || kind === "dora";
  const alone = isLora
    ? "an adapter by itself is tested at depth deep only, against a model"
    : "an adapter by itself cannot be tested";
  return [
    `  ${what}: ${tensors.toLocaleString("en-US")} of ${formatCount(ofTensors, "tensor")}${of}`,
    `  merge it into its base first, or name both as adapter+base: ${tensors === ofTensors ? alone : "what is not merged cannot be tested"}`,
  ];
}

function coverageText(values: InspectReport["values"]): string[] {
  if (values === null || values.ofTensors === 0) return [];
  const { tensors, ofTensors } = values;
  const which =
    tensors === ofTensors
      ? formatCount(ofTensors, "tensor")
      : `the largest ${tensors.toLocaleString("en-US")} of ${formatCount(ofTensors, "tensor")}, not of all`;
  return [`  first, middle and last values of ${which} read`];
}

function findings({ values, empty }: InspectReport): string[][] {
  const rows: [string, Named][] = [["no elements", empty]];
  if (values !== null) {
    const broken = values.nonFinite.tensors.map(
      ({ tensor, share }) => `${tensor} (${percent(share)} of the values read)`,
    );
    rows.unshift(
      ["NaN or infinite", { count: values.nonFinite.count, tensors: broken }],
      ["all zero", values.zero],
      ["all one value", values.constant],
    );
  }
  return rows
    .filter(([, { count }]) => count > 0)
    .map(([what, { count, tensors }]) => {
      const shown = tensors.slice(0, NAMED).map(escapeText).join(", ");
      const more = count > NAMED ? ` and ${(count - NAMED).toLocaleString("en-US")} more` : "";
      return [what, formatCount(count, "tensor"), shown + more];
    });
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
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
