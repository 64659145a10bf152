import type { ScanItem, ScanMatch } from "../../scan/item.ts";
import { escapeText } from "../escape.ts";
import { formatP } from "../numbers.ts";
import { isAccusing, relationText } from "../scan/finding.ts";

/** Confidence that is stated at most: no measurement makes certain, and 1 - 1e-50 would print as 1. */
const MOST_CONFIDENT = 0.999999;

/**
 * The bases that a model was found to share weights with, as a pedigree object. An ancestor or descendant is claimed only
 * where the direction is established; all others are variants, which CycloneDX defines as related in a way not known.
 * Null where nothing was found.
 */
export function pedigreeOf(item: ScanItem, ref: string): object | null {
  const matches = item.matches.filter(({ verdict }) => isAccusing(verdict));
  if (!isAccusing(item.verdict) || matches.length === 0) return null;
  const kin = new Map<string, object[]>();
  for (const [i, match] of matches.entries()) {
    const place = placeOf(match);
    kin.set(place, [...(kin.get(place) ?? []), baseComponent(match, `${ref}/base-${i + 1}`)]);
  }
  const notes = matches.map((match) => `${relationText(match)} (${formatP(match.log10P)})`);
  return { ...Object.fromEntries(kin), notes: `${escapeText(item.name)}: ${notes.join("; ")}.` };
}

function placeOf({ direction, verdict }: ScanMatch): "ancestors" | "descendants" | "variants" {
  // The same initial weights make siblings, whichever of the two is older.
  if (verdict === "shared-init") return "variants";
  if (direction === "suspect-from-base") return "ancestors";
  return direction === "base-from-suspect" ? "descendants" : "variants";
}

function baseComponent(match: ScanMatch, ref: string): object {
  const { name, verdict, direction, relations, log10P, matchedLayers } = match;
  const confidence = log10P === null ? 0 : Math.max(0, Math.min(1 - 10 ** log10P, MOST_CONFIDENT));
  const value = `${verdict} by exact tests of the weights, corrected ${formatP(log10P)}; confidence is 1 - p, which is not the probability of the claim`;
  const methods = [{ technique: verdict === "identical" ? "hash-comparison" : "binary-analysis", confidence, value }];
  return {
    type: "machine-learning-model",
    "bom-ref": ref,
    name,
    evidence: { identity: [{ field: "name", confidence, concludedValue: name, methods }] },
    properties: [
      { name: "weightmark:verdict", value: verdict },
      { name: "weightmark:direction", value: direction },
      ...relations.map((relation) => ({ name: "weightmark:relation", value: relation })),
      ...(log10P === null ? [] : [{ name: "weightmark:log10P", value: String(log10P) }]),
      { name: "weightmark:matchedLayers", value: String(matchedLayers) },
    ],
  };
}
