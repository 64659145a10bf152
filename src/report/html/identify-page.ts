import { formatP } from "../numbers.ts";
import type { IdentifyReport } from "../schemas/index.ts";
import { atMost, facts, hashText, moreText, paragraph, section, table } from "./blocks.ts";
import { caveatsSection, certainty, evidenceSections } from "./evidence.ts";
import { againSection, commandLine, inputFacts, inputsSection, placeOf } from "./inputs.ts";
import { type Html, html, named } from "./markup.ts";
import { isClaim, LINEAGE_LIMITS, LINEAGE_METHOD, VERDICT_WORDS, verdictMeaning } from "./meaning.ts";
import { banner } from "./verdict.ts";

const MOST_CANDIDATES = 100;

export function identifyPage(report: IdentifyReport): Html {
  const { comparison, registry, verdict } = report;
  const { suspect } = report.inputs;
  const paragraphs = [
    verdictMeaning(comparison === null ? { verdict, log10P: null } : { ...comparison, verdict }),
    comparison === null ? null : certainty(comparison),
    `The suspect was held against ${registry.entries.toLocaleString("en-US")} registered ${registry.entries === 1 ? "base" : "bases"}; of models that are not registered nothing is said.`,
  ].filter((part) => part !== null);
  const command = commandLine("identify", {}, [placeOf(suspect)]);
  return html`${banner({ word: VERDICT_WORDS[verdict], sentence: report.summary, claim: isClaim(verdict), paragraphs })}${candidatesSection(report)}${
    comparison === null ? null : evidenceSections(comparison)
  }${caveatsSection(report.caveats, LINEAGE_LIMITS, LINEAGE_METHOD)}${inputsSection(
    inputFacts("Suspect", suspect),
    html`<h3>Registry</h3>\n`,
    facts([
      ["Where", named(registry.location)],
      ["Registered", registry.entries],
      ["Changed last", registry.updatedAt],
      ["Digest", hashText(registry.digest)],
    ]),
  )}${againSection(
    command,
    "Name the registry as well, and the options that the result does not keep. With the same suspect and a registry of the same digest every figure comes out the same.",
  )}`;
}

function candidatesSection({ candidates }: IdentifyReport): Html {
  const { shown, more } = atMost(candidates, MOST_CANDIDATES);
  const columns = [
    { head: "Registered base" },
    { head: "Verdict" },
    { head: "p, corrected", kind: "number" },
    { head: "Layers found", kind: "number" },
    { head: "Kind of change" },
    { head: "Trained from scratch" },
  ] as const;
  const rows = shown.map(({ name, verdict, log10P, basis, matchedLayers, relations, root }) => [
    named(name),
    basis === "calibrated" ? `${verdict}, no proof` : verdict,
    basis === "calibrated" ? "none" : log10P === null ? "-" : formatP(log10P),
    matchedLayers,
    relations.join(", ") || "-",
    root ? "yes, as registered" : "not said",
  ]);
  return section(
    "Candidates",
    paragraph(
      candidates.length === 0
        ? "No registered base was near enough to be a candidate."
        : "The registered bases that came nearest and were tested, best first. What follows is about the first of them.",
    ),
    table("Registered bases that were tested", columns, rows),
    moreText(more),
  );
}
