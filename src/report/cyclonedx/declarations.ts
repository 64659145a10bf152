import { groundText, notProven, verdictText } from "../findings/match-words.ts";
import type { BaseMatch, Fact, ModelFinding, Statement } from "../findings/model-finding.ts";
import { isAccusing, relationText } from "../scan/finding.ts";
import { shown } from "./property.ts";

/** Something that is claimed of a model, and what the claim rests on. */
interface Claim {
  readonly predicate: string;
  readonly reasoning: string;
  readonly isAgainst: boolean;
  readonly about: string;
  readonly facts: readonly Fact[];
}

/** Claims of one model: where its weights come from, its marks, and what its signature and its commitment show. */
export function claims(model: ModelFinding, ref: string): object[] {
  return claimsOf(model).map(({ predicate, reasoning, isAgainst }, i) => ({
    "bom-ref": `${ref}/claim-${i + 1}`,
    target: ref,
    predicate: shown(predicate),
    reasoning: shown(reasoning),
    [isAgainst ? "counterEvidence" : "evidence"]: [`${ref}/evidence-${i + 1}`],
  }));
}

/** What each of these claims rests on: figures, under their names. */
export function evidences(model: ModelFinding, ref: string): object[] {
  return claimsOf(model).map(({ about, reasoning, facts }, i) => ({
    "bom-ref": `${ref}/evidence-${i + 1}`,
    propertyName: `weightmark:${about}`,
    description: shown(reasoning),
    data: facts.map(([name, value]) => ({
      name,
      contents: { attachment: { contentType: "text/plain", content: value } },
    })),
  }));
}

function claimsOf(model: ModelFinding): Claim[] {
  const { name, verdict, matches, marks, statements, duplicateOf } = model;
  // A verdict that claims nothing takes the word of none of its bases.
  const telling = isAccusing(verdict) ? matches.filter((match) => isAccusing(match.verdict)) : [];
  return [
    ...telling.map((match) => ofMatch(name, match)).map((claim) => asFoundOf(duplicateOf, claim)),
    ...marks.filter(({ present }) => present).map((mark) => ofMark(name, mark)),
    ...statements.map((statement) => ofStatement(name, statement)),
  ];
}

/** A duplicate was not read: its content has the digest of the model that was. */
function asFoundOf(original: string | null, claim: Claim): Claim {
  if (original === null) return claim;
  return { ...claim, reasoning: `${claim.reasoning}; as found of ${original}, whose content it is listed with` };
}

function ofMatch(name: string, match: BaseMatch): Claim {
  const { verdict, basis, log10P, direction, relations, facts } = match;
  const isCalibrated = basis === "calibrated";
  const reasoning = isCalibrated
    ? `${notProven}: after matching, the two resemble each other more than unrelated models did when this was set up`
    : verdict === "identical" || verdict === "recast"
      ? `values were compared where they were read (${groundText(match)})`
      : `exact tests of the weights against independent initialisation, corrected for everything that was tried: ${groundText(match)}, which is not the probability of the claim`;
  return {
    predicate: `${name} ${relationText(match)}`,
    reasoning,
    isAgainst: false,
    about: isCalibrated ? "calibrated-verdict" : "verdict",
    facts: [
      ["verdict", verdictText(match)],
      ["basis", basis ?? "exact"],
      ["direction", direction],
      ...relations.map((relation): Fact => ["relation", relation]),
      // The p of tests that were silent would look like that of the verdict.
      ...(log10P === null || isCalibrated ? [] : [["log10P", String(log10P)] satisfies Fact]),
      ...facts,
    ],
  };
}

function ofMark(name: string, { keyId, level, log2P, payload }: ModelFinding["marks"][number]): Claim {
  return {
    predicate: `${name} carries the mark of key ${keyId}`,
    reasoning:
      "a statistic that only the holder of the key can compute is far beyond chance, corrected for all that was tried",
    isAgainst: false,
    about: "mark",
    facts: [
      ["keyId", keyId],
      ["level", level],
      ...(log2P === null ? [] : [["log2P", String(log2P)] satisfies Fact]),
      ...(payload === null ? [] : [["payload", payload] satisfies Fact]),
    ],
  };
}

function ofStatement(name: string, { kind, holds, code, text, reason, facts }: Statement): Claim {
  return {
    predicate: `${name} ${text}`,
    reasoning: code === null ? reason : `${reason} (${code})`,
    isAgainst: !holds,
    about: kind,
    facts,
  };
}
