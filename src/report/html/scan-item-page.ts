import { formatBytes, formatCount, formatP } from "../numbers.ts";
import { isFinding } from "../scan/finding.ts";
import type { ScanItemReport, ScanTargetReport } from "../schemas/index.ts";
import { facts, hashText, section, table } from "./blocks.ts";
import { caveatsSection } from "./evidence.ts";
import { inputsSection } from "./inputs.ts";
import { type Html, html, named, type Part } from "./markup.ts";
import { LINEAGE_LIMITS, LINEAGE_METHOD, VERDICT_WORDS, verdictMeaning } from "./meaning.ts";
import { banner } from "./verdict.ts";

/** One model of a scan by itself. */
export function itemPage(item: ScanItemReport): Html {
  const { verdict, summary, failure, status, name } = item;
  const word =
    verdict === null ? (status === "done" || status === "duplicate" ? "Read" : "No result") : VERDICT_WORDS[verdict];
  const sentence =
    failure === null ? (summary ?? `${name} was held against watermark keys alone.`) : `${name}: ${failure.message}.`;
  const paragraphs: Part[] = [
    ...(verdict === null ? [] : [verdictMeaning({ verdict, log10P: item.matches[0]?.log10P ?? null })]),
    ...(failure?.detail == null ? [] : [failure.detail]),
    ...(item.duplicateOf === null
      ? []
      : [html`It has the same weights as ${named(item.duplicateOf)}, whose answers are repeated here.`]),
  ];
  return html`${banner({ word, sentence, claim: isFinding(item), paragraphs })}${section(
    "What was found",
    table(
      "Registered bases",
      [
        { head: "Base" },
        { head: "Verdict" },
        { head: "p, corrected", kind: "number" },
        { head: "Layers found", kind: "number" },
        { head: "Kind of change" },
      ],
      item.matches.map((match) => [
        named(match.name),
        match.verdict,
        match.log10P === null ? "-" : formatP(match.log10P),
        match.matchedLayers,
        match.relations.join(", ") || "-",
      ]),
    ),
    table(
      "Marks",
      [{ head: "Key" }, { head: "Found" }, { head: "Level" }, { head: "p", kind: "number" }],
      item.marks.map(({ keyId, present, level, log2P }) => [
        keyId,
        present ? "yes" : "no",
        level,
        log2P === null ? "-" : `<= 2^${Math.ceil(log2P)}`,
      ]),
    ),
    item.matches.length + item.marks.length === 0 ? html`<p>Nothing.</p>\n` : null,
  )}${caveatsSection(item.caveats, LINEAGE_LIMITS, LINEAGE_METHOD)}${inputsSection(
    facts([
      ["Where", named(item.location)],
      ["Revision", item.revision === null ? null : named(item.revision)],
      ["Architecture", item.family],
      ["Parameters", item.parameters],
      ["Weights", item.bytesTotal === null ? null : formatBytes(Number(item.bytesTotal))],
      ["Digest of values", hashText(item.sampledRoot)],
      ["Digest of the files", hashText(item.content)],
    ]),
  )}`;
}

/** A model that a scan would read. */
export function targetPage({ name, location, revision, bytes, content }: ScanTargetReport): Html {
  return html`${banner({
    word: "To be scanned",
    sentence: `${name} would be scanned.`,
    claim: false,
    paragraphs: [
      bytes === null ? "How large it is, is not known." : `${formatCount(Number(bytes), "byte")} of weights.`,
    ],
  })}${inputsSection(
    facts([
      ["Where", named(location)],
      ["Revision", revision === null ? null : named(revision)],
      ["Digest of the files", hashText(content)],
    ]),
  )}`;
}
