import type { CompareReport } from "../schemas/index.ts";

type Verdict = CompareReport["verdict"];

/** A verdict as a heading word, for readers who know nothing of the program. */
export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  identical: "Same weights",
  recast: "Same weights in another number format",
  derived: "Shared training found",
  "shared-init": "Shared starting point found",
  "no-evidence": "No evidence found",
  "not-testable": "Could not be tested",
};

export function isClaim(verdict: Verdict): boolean {
  return verdict !== "no-evidence" && verdict !== "not-testable";
}

/** What a verdict rests on. */
export interface Ground {
  readonly verdict: Verdict;
  readonly log10P: number | null;
  readonly deep?: CompareReport["deep"];
}

/** Whether one of the two was an adapter by itself: of such a pair nothing but labels is known. */
export function isAdapterAlone({ deep }: Pick<Ground, "deep">): boolean {
  return deep?.basis === "exact" && deep.strength === null && deep.learned === null;
}

/** What a verdict says and what it does not, for a reader who decides by it. */
export function verdictMeaning(ground: Ground): string {
  switch (ground.verdict) {
    case "identical":
      return "The numbers that were read in both models are the same. This is a comparison of values, and no chance is involved.";
    case "recast":
      return "The numbers that were read in both models are the same once they are rounded to one format. This is a comparison of values, and no chance is involved.";
    case "derived":
      return derivedMeaning(ground);
    case "shared-init":
      return "The two models go back at least to one common beginning. That the one was made from the trained other is not shown, and this report does not say so.";
    case "no-evidence":
      return "The tests that were made found nothing that the two models would have in common beyond chance. Silence is no proof of independence: what the tests cannot see is named below.";
    case "not-testable":
      return "No test applies to what was given, so nothing is said in either direction. The reason is named below.";
  }
}

function derivedMeaning(ground: Ground): string {
  if (ground.deep?.basis === "calibrated") {
    return "After the parts of one model were matched to those of the other, they resemble each other more than models without a common history did when this measure was set up. No probability can be given for that: it rests on such trials alone, and proves less than an exact test.";
  }
  if (isAdapterAlone(ground)) {
    return "One of the two is an adapter, a small addition that is of use only with the model that it was trained on. Exact tests show that its units stand in the order of the other's. Whether it was trained on this very model or on a relative of it, they do not show.";
  }
  if (ground.log10P === null) {
    return "Weights are equal in parts of both models, wherever they were read. This is a comparison of values, and no chance is involved.";
  }
  return "The two models do not go back to separate beginnings, and they have more in common than a beginning: part of what training wrote into the one is found in the other. The first is shown by exact tests. The second is a measure whose limits were set by trials with models of known history.";
}

/** What a p-value is, wherever one is told. */
export const NOT_GUILT =
  "This is the chance of such an agreement if nothing were shared. It is not the probability that nothing is shared, nor that anybody is innocent or guilty.";

/** Method and limits for readers who are no engineers. */
export const LINEAGE_METHOD: readonly string[] = [
  "A neural network is a long list of numbers, its weights. Training begins with random numbers and changes them step by step. Two models that were trained separately begin with different random numbers, so number by number they have nothing to do with each other, even if they were trained on the same texts and behave alike.",
  "The inner units of a network could be numbered in any order when training begins. The tests ask whether unit 1 of the one model resembles unit 1 of the other, unit 2 resembles unit 2 and so on, more than the units would in a random order. How often chance alone gives such an agreement can be computed exactly.",
  "That chance is made larger by as much as the number of ways that were tried (parts, layers, registered models), and a claim is made only where it is one in a thousand million or less.",
  "Names, file formats, configuration files and what a model answers play no part in a verdict.",
];

export const LINEAGE_LIMITS: readonly string[] = [
  "Whether weights are shared is not whether a licence was broken, nor who copied from whom: the report names a direction only where it says so.",
  "A model that was trained anew on the answers of another one (distillation) shares no weights with it. Such a model is not recognised, and silence about it is right.",
  "That training is shared, and not a beginning alone, is judged by limits that were set on small models trained for the purpose. Two runs of one recipe from one beginning can look like a copy.",
  "The result holds for the files that are named under “What was examined”, by their digests, and for nothing else of the same name.",
];
