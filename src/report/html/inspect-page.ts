import { formatBytes, formatCount, formatParameters } from "../numbers.ts";
import type { FingerprintReport, InspectReport } from "../schemas/index.ts";
import { atMost, facts, hashText, list, moreText, paragraph, section, table } from "./blocks.ts";
import { againSection, commandLine, inputFacts, inputsSection, placeOf } from "./inputs.ts";
import { type Html, html, named, type Part } from "./markup.ts";
import { banner } from "./verdict.ts";

const MOST_ROWS = 200;

export function inspectPage(report: InspectReport): Html {
  const { model } = report.inputs;
  const testable = report.components.filter((part) => part.testable).length;
  const paragraphs: Part[] = [
    `${formatCount(report.tensors, "tensor")}, ${formatBytes(Number(model.bytesTotal))}. ${formatCount(testable, "part")} of ${report.components.length} can be tested for where they come from.`,
    "This says what a file holds. It says nothing of where the weights come from.",
  ];
  const sentence = `${model.location}: ${report.family}, ${formatParameters(Number(report.parameters))}.`;
  const { shown, more } = atMost(report.files, MOST_ROWS);
  return html`${banner({ word: "Contents of a model", sentence, claim: false, paragraphs })}${section(
    "Parts",
    table(
      "Parts of the model",
      [
        { head: "Part" },
        { head: "Layers", kind: "number" },
        { head: "Matrices", kind: "number" },
        { head: "Testable" },
        { head: "Why not", kind: "wide" },
      ],
      report.components
        .slice(0, MOST_ROWS)
        .map(({ component, layers, matrices, testable, reason }) => [
          named(component),
          layers,
          matrices,
          testable ? "yes" : "no",
          reason,
        ]),
    ),
    adapterText(report),
    table(
      "Types of numbers",
      [{ head: "Type" }, { head: "Tensors", kind: "number" }, { head: "Bytes", kind: "number" }],
      report.dtypes.map(({ dtype, tensors, bytes }) => [dtype, tensors, formatBytes(Number(bytes))]),
    ),
    table(
      "Decoded from",
      [{ head: "Packing" }, { head: "Tensors", kind: "number" }],
      report.schemes.map(({ scheme, tensors }) => [scheme, tensors]),
    ),
    table(
      "Roles of matrices",
      [{ head: "Role" }, { head: "Matrices", kind: "number" }],
      report.roles.slice(0, MOST_ROWS).map(({ role, matrices }) => [role, matrices]),
    ),
  )}${valuesSection(report)}${section(
    "Files",
    table(
      "Files of the model",
      [
        { head: "File", kind: "wide" },
        { head: "Bytes", kind: "number" },
        { head: "Tensors", kind: "number" },
      ],
      shown.map(({ path, bytes, tensors }) => [named(path), Number(bytes).toLocaleString("en-US"), tensors]),
    ),
    moreText(more),
  )}${report.notes.length === 0 ? null : section("Notes", list(report.notes))}${inputsSection(
    facts([
      ["Where", named(model.location)],
      ["What", model.kind],
      ["Revision", model.revision === null ? null : named(model.revision)],
      ["Read", `${formatBytes(Number(model.bytesRead))} of ${formatBytes(Number(model.bytesTotal))}`],
      ["Digest of the layout", hashText(model.manifestRoot)],
    ]),
  )}${againSection(commandLine("inspect", {}, [placeOf(model)]), "The same files give the same figures.")}`;
}

function adapterText({ adapter }: InspectReport): Html | null {
  if (adapter === null) return null;
  const base =
    adapter.base === null
      ? ""
      : ` Its configuration names the base “${adapter.base}”; whoever wrote that may have been wrong.`;
  return paragraph(
    `Adapter (${adapter.kind}): ${adapter.tensors} of ${formatCount(adapter.ofTensors, "tensor")}.${base}`,
  );
}

function valuesSection({ values, empty }: InspectReport): Html | null {
  if (values === null) return null;
  const broken = values.nonFinite.tensors.map(
    ({ tensor, share }) => `${tensor} (${Number((100 * share).toPrecision(2))} % of the values read)`,
  );
  const rows = [
    ["NaN or infinite", values.nonFinite.count, broken] as const,
    ["all zero", values.zero.count, values.zero.tensors] as const,
    ["all one value", values.constant.count, values.constant.tensors] as const,
    ["no elements", empty.count, empty.tensors] as const,
  ].filter(([, count]) => count > 0);
  return section(
    "Values",
    paragraph(
      `First, middle and last values of ${values.tensors} of ${formatCount(values.ofTensors, "tensor")} were read.`,
    ),
    rows.length === 0 ? paragraph("None of them is NaN, infinite, all zero or all one value.") : null,
    table(
      "Tensors that deserve a look",
      [{ head: "What" }, { head: "Tensors", kind: "number" }, { head: "The first of them", kind: "wide" }],
      rows.map(([what, count, tensors]) => [what, count, list(tensors.slice(0, 10).map(named))]),
    ),
  );
}

export function fingerprintPage(report: FingerprintReport): Html {
  const { output, fingerprint, inputs } = report;
  const sentence = `The fingerprint of ${inputs.model.location} was written.`;
  const paragraphs = [
    "A fingerprint holds what the tests need to know of a model, and no usable weights. It claims nothing by itself.",
  ];
  return html`${banner({ word: "Fingerprint", sentence, claim: false, paragraphs })}${section(
    "The file",
    facts([
      ["Where", named(output.location)],
      ["Bytes", output.bytes.toLocaleString("en-US")],
      ["Digest", hashText(output.digest)],
      ["Version", fingerprint.version],
      ["Layers", fingerprint.layers],
      ["Tensors", fingerprint.tensors],
      ["Sketches", fingerprint.sketches],
      ["Slices", fingerprint.slices],
    ]),
    fingerprint.notes.length === 0 ? null : list(fingerprint.notes),
  )}${inputsSection(inputFacts("Model", inputs.model))}${againSection(
    commandLine("fingerprint", { depth: inputs.model.depth }, [placeOf(inputs.model)]),
    "The same files give the same fingerprint.",
  )}`;
}
