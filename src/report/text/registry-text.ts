import { escapeText } from "../escape.ts";
import { formatBytes, formatCount, formatParameters } from "../numbers.ts";
import type { DoctorReport, RegistryReport } from "../schemas/index.ts";
import { adviceText } from "./advice-text.ts";
import { type Style, section, table } from "./style.ts";

type Entry = NonNullable<RegistryReport["entries"]>[number];

function entryRow(entry: Entry): string[] {
  return [
    entry.digest.slice(0, 16),
    escapeText(entry.name),
    [entry.root ? "root" : "", entry.parts.length > 0 ? formatCount(entry.parts.length, "part") : ""]
      .filter((text) => text !== "")
      .join(", "),
    escapeText(entry.family),
    formatParameters(Number(entry.parameters)),
    entry.depth,
  ];
}

function showEntry(entry: Entry): string[] {
  return table(
    [
      ["name", escapeText(entry.name)],
      ["digest", entry.digest],
      ["root", entry.root ? "yes: registered as trained from scratch" : "no"],
      ...entry.parts.map(({ component, of, name }) => [
        "part",
        `${escapeText(component)} comes from ${name === null ? "an entry that is gone" : escapeText(name)} (${of.slice(0, 16)})`,
      ]),
      ["added", entry.addedAt === null ? "-" : escapeText(entry.addedAt)],
      ["model", `${escapeText(entry.family)}, ${formatParameters(Number(entry.parameters))}`],
      ["fingerprint", `${formatBytes(entry.bytes)}, depth ${entry.depth}, version ${entry.version}`],
    ],
    "",
  );
}

export function registryText(report: RegistryReport, style: Style): string[] {
  const { registry, action, entries = [], changes = [], problems } = report;
  const place = `${escapeText(registry.location)}: ${formatCount(registry.entries, "entry", "entries")}, digest ${registry.digest.slice(0, 16)}`;
  if (action === "show") return entries.flatMap(showEntry);
  if (action === "list") return [style.bold(place), ...table(entries.map(entryRow))];
  if (action === "export")
    return [
      `exported ${formatCount(registry.entries, "entry", "entries")} to ${escapeText(report.output?.location ?? "-")}`,
    ];
  if (problems !== undefined) {
    const rows = problems.map(({ code, digest, name, message }) => [
      code,
      name === null ? (digest?.slice(0, 16) ?? "-") : escapeText(name),
      escapeText(message),
    ]);
    const verdict =
      problems.length === 0 ? "everything is as it was registered" : formatCount(problems.length, "problem");
    const advice = adviceText(
      problems.map(({ code }) => code),
      style,
    );
    return [`${style.bold(verdict)} in ${place}`, ...table(rows), ...advice];
  }
  return [
    ...table(
      changes.map(({ status, entry }) => [status, ...entryRow(entry)]),
      "",
    ),
    ...changes.flatMap(({ entry, notes }) =>
      notes.map((note) => `  - ${changes.length > 1 ? `${escapeText(entry.name)}: ` : ""}${escapeText(note)}`),
    ),
    style.dim(place),
  ];
}

export function doctorText(report: DoctorReport, style: Style): string[] {
  const { node, os, arch, cpus, memory } = report.platform;
  return [
    `${style.bold(report.ok ? "ready" : "not ready")}: weightmark ${report.tool.version}, Node ${node}, ${os} ${arch}, ${formatCount(cpus, "CPU")}, ${formatBytes(Number(memory))} of memory`,
    ...section(
      "Checks",
      table(report.checks.map(({ name, status, detail }) => [name, status, escapeText(detail)])),
      style,
    ),
  ];
}
