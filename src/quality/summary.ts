import type { QualityResult } from "./result.ts";

/** One sentence that claims no more than the figures do. */
export function summaryOf({ logits, nll, perplexity }: Omit<QualityResult, "summary">): string {
  if (!Number.isFinite(nll.difference)) return "No comparison: a model computes numbers that are not finite.";
  if (logits.bitEqual) return "The two models compute the same: every logit is equal to the bit.";
  const { interval } = nll;
  const change = `${percent(perplexity.ratio - 1)} perplexity`;
  if (interval === null) return `B has ${change} against A; there are too few tokens to say how sure that is.`;
  if (interval.low <= 0 && interval.high >= 0) {
    return `No change of quality can be told from this text: ${change}, with zero inside its interval.`;
  }
  return `B predicts this text ${nll.difference > 0 ? "worse" : "better"} than A: ${change}.`;
}

function percent(fraction: number): string {
  const value = 100 * fraction;
  const digits =
    Math.abs(value) < 0.01 && value !== 0 ? value.toExponential(1) : value.toFixed(Math.abs(value) < 1 ? 3 : 1);
  return `${value > 0 ? "+" : ""}${digits} %`;
}
