import { WeightmarkError } from "../errors.ts";
import { attentionCode, layerCodes } from "../fingerprint/layer-codes.ts";
import type { CandidateSource, RankedBase } from "./candidate-source.ts";
import { tokenCodesOf } from "./evidence-sources.ts";
import { streamsOfAdapter } from "./fitting-bases.ts";
import { type Ranking, testRanked } from "./ranked-bases.ts";
import type { Candidate } from "./result.ts";
import type { Subject } from "./subject.ts";

/** Bases that were asked more than the plain tests ask. */
export interface MovedBases {
  readonly candidates: readonly Candidate[];
  readonly unread: readonly RankedBase[];
  readonly caveats: readonly string[];
}

export const NO_BASES: MovedBases = { candidates: [], unread: [], caveats: [] };

/** Nothing ranks bases for an adapter: all that are as wide are tested, up to so many. */
const MAX_FITTING = 128;

/**
 * The bases that tokens rank first, asked whether labels were moved: of those with a deep part, where the suspect has its
 * weights or a deep part as well. Of a LoRA adapter alone all bases that it may have been trained on. Where the plain tests found
 * a common start (`isFound`), those that they ranked first: a stream that was cut has other codes of tokens.
 */
export async function movedBases(
  suspect: Subject,
  registry: CandidateSource,
  { limit, signal }: Omit<Ranking, "deep">,
  isFound: boolean,
): Promise<MovedBases> {
  const widths = streamsOfAdapter(suspect);
  try {
    const ofTokens = async () => (isFound ? layerCodes(suspect.fingerprint) : tokenCodesOf(suspect, signal));
    const codes = widths === null ? await ofTokens() : widths.map(attentionCode);
    if (codes.length === 0) return NO_BASES;
    const most = widths === null ? limit : Math.max(limit, MAX_FITTING);
    const { candidates, unread } = await testRanked(suspect, registry, codes, { limit: most, signal, deep: true });
    return { candidates: candidates.filter(({ comparison }) => comparison.deep !== undefined), unread, caveats: [] };
  } catch (error) {
    // The plain answer stands, whatever more it would have cost to ask on.
    if (!(error instanceof WeightmarkError) || error.code !== "BYTE_BUDGET_EXCEEDED") throw error;
    const what =
      widths === null
        ? "whether labels were moved on purpose"
        : "whether it was trained on one of the registered bases";
    return { ...NO_BASES, caveats: [`${what} was not asked: ${error.message}`] };
  }
}
