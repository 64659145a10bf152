import type { Direction, Verdict } from "./result.ts";

/**
 * The one sentence a reader will quote. It claims a parent only where the direction is established, and never says
 * "independent": silence of a test is no proof.
 */
export function summarise(
  verdict: Verdict,
  direction: Direction,
  names: { readonly suspect: string; readonly base: string },
  part: string | null,
): string {
  const { suspect, base } = names;
  const of = (name: string): string => (part === null ? name : `${name} (${part})`);
  switch (verdict) {
    case "identical":
      return `${of(suspect)} holds the same weights as ${of(base)}.`;
    case "recast":
      return `${of(suspect)} holds the weights of ${of(base)} in another number format.`;
    case "derived":
      if (direction === "suspect-from-base") return `${of(suspect)} derives from ${of(base)}.`;
      if (direction === "base-from-suspect") return `${of(base)} derives from ${of(suspect)}.`;
      return `${of(suspect)} and ${of(base)} share trained weights, direction not established.`;
    case "shared-init":
      return `${of(suspect)} and ${of(base)} go back at least to the same initial weights; that trained weights are shared is not shown.`;
    case "no-evidence":
      return `No evidence that ${suspect} and ${base} share weights. This does not prove that they are unrelated.`;
    case "not-testable":
      return `${suspect} cannot be tested against ${base}.`;
  }
}
