import { formatBytes, formatCount, formatNumber, formatParameters } from "../numbers.ts";
import type { WatermarkCapacityReport, WatermarkEmbedReport } from "../schemas/index.ts";
import { facts, list, paragraph, section, table } from "./blocks.ts";
import { againSection, commandLine, inputsSection } from "./inputs.ts";
import { type Html, html, named, type Part } from "./markup.ts";
import { banner } from "./verdict.ts";

type Capacity = WatermarkCapacityReport["carriers"][number];

const COLUMNS = [
  { head: "Carrier" },
  { head: "Payload", kind: "number" },
  { head: "Units", kind: "number" },
  { head: "z", kind: "number" },
  { head: "Payload read down to r", kind: "number" },
  { head: "Mark found down to r", kind: "number" },
  { head: "Note", kind: "wide" },
] as const;

const RHO = "r is the correlation of marked and suspect weights: 1 where nothing was changed since.";

export function capacityPage(report: WatermarkCapacityReport): Html {
  const { payloadBits, parameters, rho, inputs, mode } = report;
  const sentence =
    payloadBits === null
      ? "No mark fits into this model."
      : payloadBits === 0
        ? "A mark without a payload fits into this model."
        : `A mark with a payload of up to ${payloadBits} bits fits into this model.`;
  return html`${banner({ word: "Capacity for a mark", sentence, claim: false, paragraphs: [costText(report.predictedRms, mode), "This is a forecast. Nothing was written."] })}${section(
    "Carriers",
    table(
      "What each kind of weights can carry",
      COLUMNS,
      report.carriers.map((carrier) => capacityRow(carrier, carrier.statistic)),
    ),
    paragraph(RHO),
  )}${limits(report.caveats)}${inputsSection(
    facts([
      ["Model", named(inputs.model.location)],
      ["Size", `${formatParameters(Number(parameters))}, ${formatBytes(Number(inputs.model.bytesTotal))}`],
      ["Strength", rho],
      ["Where the mark would lie", modeText(mode)],
    ]),
  )}${againSection(commandLine("watermark capacity", {}, [inputs.model.location]), "Name the strength and the base as well where they were named.")}`;
}

export function embedPage(report: WatermarkEmbedReport): Html {
  const { keyId, release, payload, output, sketch, inputs, mode, rho } = report;
  const words =
    payload === null
      ? "without a payload"
      : `with the payload ${payload.text === null ? payload.hex : `“${payload.text}”`}`;
  const sentence = `A marked copy was written: key ${keyId}, ${words}.`;
  const columns = [...COLUMNS.slice(0, 6), { head: "Change", kind: "number" } as const, COLUMNS[6]];
  const rows = report.carriers.map((carrier) => {
    const row = capacityRow(carrier, carrier.payloadBits === null ? null : carrier.achieved);
    return [...row.slice(0, 6), carrier.rms === null ? "-" : carrier.rms.toPrecision(2), row[6]!];
  });
  return html`${banner({ word: "Marked copy", sentence, claim: false, paragraphs: ["Keep the key and the sketch where they cannot be lost, and never publish the unmarked original."] })}${section(
    "Carriers",
    table("What carries the mark, as it was read back from the copy", columns, rows),
    paragraph(`${RHO} Change is relative to the size of the marked weights.`),
  )}${section(
    "What was written",
    facts([
      ["Copy", named(output.directory)],
      ["Size", `${formatCount(output.files, "file")}, ${formatBytes(Number(output.bytes))}`],
      ["Sketch (secret)", sketch === null ? "none" : html`${named(sketch.path)}, ${formatBytes(Number(sketch.bytes))}`],
    ]),
  )}${limits(report.caveats)}${inputsSection(
    facts([
      ["Model", named(inputs.model.location)],
      ["Weights", formatBytes(Number(inputs.model.bytesTotal))],
      ["Key", html`${keyId}, release ${named(release)}`],
      ["Strength", rho],
      ["Where the mark lies", modeText(mode)],
    ]),
  )}`;
}

function capacityRow({ name, payloadBits, units, decodesTo, detectsTo, note }: Capacity, z: number | null): Part[] {
  return [
    name,
    payloadBits === null ? "-" : payloadBits === 0 ? "none" : `${payloadBits} bits`,
    units.toLocaleString("en-US"),
    formatNumber(z),
    formatNumber(decodesTo),
    formatNumber(detectsTo),
    note,
  ];
}

function costText(rms: number, mode: WatermarkEmbedReport["mode"]): string {
  if (rms === 0) return "It would turn signs, which changes no output of the model.";
  const what = mode === "release" ? "the marked weights" : "the difference to the base";
  return `It would move ${what} by ${rms.toPrecision(2)} of their size.`;
}

function modeText(mode: WatermarkEmbedReport["mode"]): string {
  return mode === "release" ? "in the weights" : "in the difference to a public base";
}

function limits(caveats: readonly string[]): Html | null {
  return caveats.length === 0 ? null : section("Limits of this result", list(caveats));
}
