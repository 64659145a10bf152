import type { Direction, Verdict } from "./result.ts";

/** What the sentence must not say more than. */
export interface Facts {
  /** The suspect's part that the verdict is about, null for the whole model. */
  readonly part: string | null;
  /** Whether every stored byte was compared. */
  readonly everywhere: boolean;
  /** Only token tables are the same. */
  readonly tableOnly: boolean;
  /** Tensors that are equal, of those compared, where that alone is what is known. */
  readonly equal: { readonly equal: number; readonly compared: number } | null;
}

/**
 * The one sentence a reader will quote. It claims a parent only where the direction is established and the whole of the
 * parent is there, speaks of equality only as far as values were read, and never says "independent": silence of a test is
 * no proof.
 */
export function summarise(
  verdict: Verdict,
  direction: Direction,
  names: { readonly suspect: string; readonly base: string },
  facts: Facts,
): string {
  const { suspect, base } = names;
  const { part, everywhere, tableOnly, equal } = facts;
  const of = part === null ? suspect : `${suspect} (${part})`;
  switch (verdict) {
    case "identical":
      return everywhere
        ? `${suspect} holds the same weights as ${base}.`
        : `${suspect} is equal to ${base} wherever sampled.`;
    case "recast":
      return `${suspect} is ${base} in another number format, wherever sampled.`;
    case "derived":
      if (direction === "suspect-from-base") return `${of} derives from ${base}.`;
      if (direction === "base-from-suspect") return `${base} derives from ${suspect}.`;
      if (part !== null) return `${suspect} shares the weights of its ${part} with ${base}, whoever had them first.`;
      return `${suspect} and ${base} share trained weights, direction not established.`;
    case "shared-init":
      if (tableOnly) return `${suspect} holds the same token table as ${base}, whoever had it first; nothing else is shown.`;
      if (equal !== null) {
        return `${suspect} shares ${equal.equal} of ${equal.compared} matrices bit for bit with ${base}${everywhere ? "" : ", wherever sampled"}.`;
      }
      if (part !== null) {
        return `The ${part} of ${suspect} and ${base} go back at least to the same initial weights; that trained weights are shared is not shown.`;
      }
      return `${suspect} and ${base} go back at least to the same initial weights; that trained weights are shared is not shown.`;
    case "no-evidence":
      return `No evidence that ${suspect} and ${base} share weights. This does not prove that they are unrelated.`;
    case "not-testable":
      return `${suspect} cannot be tested against ${base}.`;
  }
}
