import type { Checkpoint } from "../../../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../../../errors.ts";
import type { Decision } from "../../evidence/decide.ts";
import { THRESHOLDS } from "../../evidence/statistics.ts";
import { type Contests, contestsOf, type Score, settle } from "./settle.ts";
import { suspectsOf } from "./suspects.ts";

/** Judges one model; `choices` multiplies its p-value. */
type Judge<T> = (model: Checkpoint, choices: number) => Promise<T>;

/**
 * Judges a checkpoint as the model that it may be which says most, and says among how many that was. Whatever is tried is
 * listed before any weight is looked at, and every p-value is multiplied by the length of the list, so that a choice by
 * the key's own finding costs the null nothing.
 */
export async function bestSuspect<T extends { readonly decision: Decision }>(
  checkpoint: Checkpoint,
  score: Score<Checkpoint>,
  judge: Judge<T>,
): Promise<T & { readonly contests: Contests }> {
  const suspects = suspectsOf(checkpoint);
  const each = suspects.map(contestsOf);
  const contests: Contests = {
    choices: each.reduce((n, { choices }) => n + choices, 0),
    contested: suspects.length - 1 + Math.max(...each.map(({ contested }) => contested)),
    untried: Math.max(...each.map(({ untried }) => untried)),
  };
  let best: T | null = null;
  let failure: unknown = null;
  for (const suspect of suspects) {
    try {
      const found = await judge(await settle(suspect, score), contests.choices);
      if (best === null || found.decision.log2P < best.decision.log2P) best = found;
    } catch (error) {
      if (!isMismatch(error)) throw error;
      failure ??= error;
    }
    // Nothing more could be learnt, and what was not looked at is counted all the same.
    if (best !== null && best.decision.log2P <= THRESHOLDS.forensic) break;
  }
  if (best === null) throw failure;
  return { ...best, contests };
}

/** A model that has nothing in common with the base says nothing, as long as another one has. */
export function isMismatch(error: unknown): boolean {
  return error instanceof WeightmarkError && error.code === "BASE_MISMATCH";
}

/** What was chosen, and what was not looked at, must not pass in silence. */
export function contestCaveats({ choices, contested, untried }: Contests): string[] {
  if (contested === 0) return [];
  return [
    `tensors of several stacks or names claim the same places: the best of ${choices} ways to choose among them counts, and the p-value is corrected for all`,
    ...(untried === 0
      ? []
      : [`${untried} more that claim the same places were too many or too small and were not tried`]),
  ];
}
