import type { CompareReport } from "../schemas/index.ts";
import { caveatsSection, certainty, evidenceSections } from "./evidence.ts";
import { againSection, commandLine, inputFacts, inputsSection, placeOf } from "./inputs.ts";
import { type Html, html } from "./markup.ts";
import { isClaim, LINEAGE_LIMITS, LINEAGE_METHOD, VERDICT_WORDS, verdictMeaning } from "./meaning.ts";
import { banner } from "./verdict.ts";

export function comparePage(report: CompareReport): Html {
  const { suspect, base } = report.inputs;
  const depth = report.deep === undefined ? suspect.depth : "deep";
  const command = commandLine("compare", { depth }, [placeOf(suspect), placeOf(base)]);
  const paragraphs = [verdictMeaning(report), certainty(report)].filter((part) => part !== null);
  return html`${banner({ word: VERDICT_WORDS[report.verdict], sentence: report.summary, claim: isClaim(report.verdict), paragraphs })}${evidenceSections(report)}${caveatsSection(report.caveats, LINEAGE_LIMITS, LINEAGE_METHOD)}${inputsSection(inputFacts("Suspect", suspect), inputFacts("Base", base))}${againSection(
    command,
    "Options that the result does not keep may have to be added: whether the base was said to be trained from scratch, and how models are reached. With the same files and options every figure comes out the same.",
  )}`;
}
