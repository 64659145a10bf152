import { imageClaim } from "./image/words.ts";
import type { Direction, Image, Verdict } from "./result.ts";

/** What the sentence must not say more than. */
export interface Facts {
  /** The suspect's part that the verdict is about, null for the whole model. */
  readonly part: string | null;
  /** Whether every stored byte was compared. */
  readonly everywhere: boolean;
  /** What was found of one model as the other one rounded, where all of it is. */
  readonly image: Image | null;
  /** Only token tables are the same. */
  readonly tableOnly: boolean;
  /** How many of the layers (or matrices) agree, where it is not nearly all of them. */
  readonly partly: { readonly agreeing: number; readonly tested: number; readonly of: string } | null;
  /** Share of the base's training that is found, where it is not nearly all. */
  readonly share: number | null;
  /** The base's part and the share of the suspect's training in it, where the base was made of the suspect: as part and share. */
  readonly back: { readonly part: string | null; readonly share: number | null };
  /** Tensors that are equal, of those compared, where that alone is what is known. */
  readonly equal: { readonly equal: number; readonly compared: number } | null;
}

/** The one sentence a reader will quote. It never says "independent": silence of a test is no proof. */
export function summarise(
  verdict: Verdict,
  direction: Direction,
  names: { readonly suspect: string; readonly base: string },
  facts: Facts,
): string {
  const { suspect, base } = names;
  const { equal } = facts;
  if ((verdict === "no-evidence" || verdict === "not-testable") && equal !== null) {
    return `${suspect} ${equalText(equal, base, facts.everywhere)}; nothing else is shown.`;
  }
  if (verdict === "no-evidence") {
    return `No evidence that ${suspect} and ${base} share weights. This does not prove that they are unrelated.`;
  }
  if (verdict === "derived" && direction === "base-from-suspect") {
    const { part, share } = facts.back;
    return `${base}${part === null ? "" : ` (${part})`} derives from ${suspect}${shareText(share)}.`;
  }
  const part =
    verdict === "derived" && direction === "suspect-from-base" && facts.part !== null ? ` (${facts.part})` : "";
  return `${suspect}${part} ${claimOf(verdict, direction, base, facts)}.`;
}

function shareText(share: number | null): string {
  return share === null ? "" : ` (a share of ${share.toFixed(2)} of its training)`;
}

function equalText({ equal, compared }: NonNullable<Facts["equal"]>, base: string, everywhere: boolean): string {
  return `shares ${equal} of ${compared} matrices bit for bit with ${base}${everywhere ? "" : ", wherever sampled"}`;
}

/**
 * What is claimed of a suspect, to be said after its name. It names a parent only where the direction is established and the
 * whole of the parent is there, and speaks of equality only as far as values were read.
 */
export function claimOf(verdict: Verdict, direction: Direction, base: string, facts: Facts): string {
  const { part, everywhere, tableOnly, equal, partly, back } = facts;
  const ofIt = shareText(facts.share);
  const some = partly === null ? "" : ` in ${partly.agreeing} of ${partly.tested} ${partly.of}`;
  switch (verdict) {
    case "identical":
      return everywhere ? `holds the same weights as ${base}` : `is equal to ${base} wherever sampled`;
    case "recast":
      if (facts.image !== null) return imageClaim(facts.image, base);
      return `is ${base} in another number format, wherever sampled`;
    case "derived":
      if (direction === "suspect-from-base") return `derives from ${base}${ofIt}`;
      if (direction === "base-from-suspect") {
        return `is what ${base}${back.part === null ? "" : ` (${back.part})`} derives from${shareText(back.share)}`;
      }
      if (part !== null) return `shares the weights of its ${part} with ${base}${some}, whoever had them first`;
      if (equal !== null) return `${equalText(equal, base, everywhere)}, direction not established`;
      return `shares trained weights with ${base}${some}${ofIt}, direction not established`;
    case "shared-init":
      if (tableOnly) {
        const rest = equal === null ? "nothing else is shown" : `it ${equalText(equal, base, everywhere)}`;
        return `holds the same token table as ${base}, whoever had it first; ${rest}`;
      }
      if (equal !== null) return equalText(equal, base, everywhere);
      return `${part === null ? "goes" : `goes in its ${part}`} back at least to the same initial weights as ${base}${some}; that trained weights are shared is not shown`;
    case "no-evidence":
      return `shows no evidence of shared weights with ${base}`;
    case "not-testable":
      return `cannot be tested against ${base}`;
  }
}
