import { formatBytes, formatCount, formatParameters } from "../numbers.ts";
import type { DoctorReport, KeyReport, RegistryReport } from "../schemas/index.ts";
import { atMost, facts, hashText, list, moreText, section, table } from "./blocks.ts";
import { type Html, html, named } from "./markup.ts";
import { banner } from "./verdict.ts";

const MOST_ENTRIES = 5000;

const ACTIONS = {
  add: "Models were registered",
  list: "Registered models",
  show: "A registered model",
  remove: "Models were taken out of the registry",
  export: "The registry was exported",
  import: "A registry was imported",
  verify: "The registry was checked",
} as const;

export function registryPage(report: RegistryReport): Html {
  const { registry, action, changes, problems, output } = report;
  const entries = report.entries ?? changes?.map(({ entry }) => entry) ?? [];
  const { shown, more } = atMost(entries, MOST_ENTRIES);
  const notes = changes?.flatMap(({ entry, notes: said }) => said.map((note) => `${entry.name}: ${note}`)) ?? [];
  const found =
    problems === undefined
      ? `${formatCount(registry.entries, "entry", "entries")} in the registry.`
      : problems.length === 0
        ? "Everything is as it was registered."
        : `${formatCount(problems.length, "problem")} found.`;
  return html`${banner({ word: ACTIONS[action], sentence: found, claim: false, paragraphs: [] })}${section(
    "Entries",
    table(
      "Entries",
      [
        { head: "Name" },
        { head: "Change" },
        { head: "Architecture" },
        { head: "Parameters", kind: "number" },
        { head: "Trained from scratch" },
        { head: "Depth" },
        { head: "Digest", kind: "wide" },
      ],
      shown.map((entry, i) => [
        named(entry.name),
        changes?.[i]?.status ?? "-",
        entry.family,
        formatParameters(Number(entry.parameters)),
        entry.root ? "yes, as registered" : "not said",
        entry.depth,
        hashText(entry.digest),
      ]),
    ),
    moreText(more),
    notes.length === 0 ? null : list(notes.slice(0, MOST_ENTRIES)),
    table(
      "Problems",
      [{ head: "Code" }, { head: "Entry" }, { head: "What", kind: "wide" }],
      (problems ?? [])
        .slice(0, MOST_ENTRIES)
        .map(({ code, name, digest, message }) => [code, named(name ?? digest ?? "-"), message]),
    ),
  )}${section(
    "The registry",
    facts([
      ["Where", named(registry.location)],
      ["Entries", registry.entries.toLocaleString("en-US")],
      ["Digest", hashText(registry.digest)],
      ["Generation", registry.generation],
      ["Changed last", registry.updatedAt],
      ["Written to", output === undefined ? null : named(output.location)],
    ]),
  )}`;
}

const KEY_ACTIONS = {
  generate: "New key",
  show: "Key",
  rotate: "New key for the next release",
  reseal: "Same key, sealed again",
} as const;

export function keyPage({ action, key }: KeyReport): Html {
  return html`${banner({
    word: KEY_ACTIONS[action],
    sentence: `Key ${key.id} of the release ${key.release}.`,
    claim: false,
    paragraphs: ["This says what may be known of a key. Nothing of its secret stands here."],
  })}${section(
    "The key",
    facts([
      ["File", named(key.location)],
      ["Created", key.created],
      ["Replaces", key.replaces],
      ["Sealed", key.sealed ? "with a passphrase" : "no: whoever reads the file has the key"],
    ]),
  )}`;
}

export function doctorPage({ ok, platform, checks, tool }: DoctorReport): Html {
  const { node, os, arch, cpus, memory } = platform;
  return html`${banner({
    word: "This installation",
    sentence: ok ? "Ready." : "Not ready.",
    claim: false,
    paragraphs: [
      `weightmark ${tool.version}, Node ${node}, ${os} ${arch}, ${formatCount(cpus, "CPU")}, ${formatBytes(Number(memory))} of memory.`,
    ],
  })}${section(
    "Checks",
    table(
      "What was tried",
      [{ head: "Check" }, { head: "Outcome" }, { head: "Detail", kind: "wide" }],
      checks.map(({ name, status, detail }) => [name, status, detail]),
    ),
  )}`;
}
