import { groundText, matchText, verdictText } from "../findings/match-words.ts";
import { type BaseMatch, known, type ModelFinding } from "../findings/model-finding.ts";
import { inputFacts } from "../findings/of-lineage.ts";
import { isAccusing } from "../scan/finding.ts";
import { locationUri } from "../scan/location-uri.ts";
import { property, shown, toolRef, versionText } from "./property.ts";

/**
 * The bases that a model was found to share weights with, as a pedigree object. An ancestor or descendant is claimed only
 * where the direction is established, and never where no p-value exists; all others are variants, which CycloneDX defines as
 * related in a way not known. Null where nothing was found.
 */
export function pedigreeOf(model: ModelFinding, ref: string, version: string | undefined): object | null {
  const matches = model.matches.filter(({ verdict }) => isAccusing(verdict));
  if (!isAccusing(model.verdict) || matches.length === 0) return null;
  const kin = new Map<string, object[]>();
  for (const [i, match] of matches.entries()) {
    const place = placeOf(match);
    kin.set(place, [...(kin.get(place) ?? []), baseComponent(match, `${ref}/base-${i + 1}`, version)]);
  }
  const images = model.statements.filter(({ kind, isSaid }) => kind === "image" && !isSaid).map(({ text }) => text);
  const notes = [...matches.map(matchText), ...images].join("; ");
  return { ...Object.fromEntries(kin), notes: shown(`${model.name}: ${notes}.`) };
}

function placeOf({ direction, verdict, basis }: BaseMatch): "ancestors" | "descendants" | "variants" {
  // The same initial weights make siblings, whichever of the two is older.
  if (verdict === "shared-init" || basis === "calibrated") return "variants";
  if (direction === "suspect-from-base") return "ancestors";
  return direction === "base-from-suspect" ? "descendants" : "variants";
}

function baseComponent(match: BaseMatch, ref: string, version: string | undefined): object {
  const { name, direction, relations, log10P, matchedLayers, basis, input, facts } = match;
  const roots = input === null ? [] : [...known([["sampledRoot", input.sampledRoot]]), ...inputFacts(input)];
  return {
    type: "machine-learning-model",
    "bom-ref": ref,
    name,
    ...(input?.revision ? { version: versionText(input.revision) } : {}),
    evidence: { identity: [identity(match, version)] },
    ...(input === null ? {} : { externalReferences: [{ type: "distribution", url: locationUri(input.location) }] }),
    ...(input === null ? {} : { modelCard: { modelParameters: { architectureFamily: input.family } } }),
    properties: [
      property("verdict", verdictText(match)),
      property("direction", direction),
      ...relations.map((relation) => property("relation", relation)),
      property("ground", groundText(match)),
      ...(log10P === null || basis === "calibrated" ? [] : [property("log10P", String(log10P))]),
      ...(matchedLayers === null ? [] : [property("matchedLayers", String(matchedLayers))]),
      ...[...roots, ...facts].map(([key, value]) => property(key, value)),
    ],
  };
}

/**
 * Why the base is called what it is. A method needs a confidence by the standard, and the share of trials in which a claim is
 * right is not what a p-value says: only equality of all values, by digests of both, has one.
 */
function identity({ name, isSameContent }: BaseMatch, version: string | undefined): object {
  const methods = [
    { technique: "hash-comparison", confidence: 1, value: "BLAKE3 over all stored values of both is the same" },
  ];
  return {
    field: "name",
    ...(isSameContent ? { confidence: 1 } : {}),
    concludedValue: name,
    ...(isSameContent ? { methods } : {}),
    ...(version === undefined ? {} : { tools: [toolRef(version)] }),
  };
}
