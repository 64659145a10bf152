import { type ErrorCode, WeightmarkError } from "../errors.ts";
import type { LayerCode } from "../fingerprint/fingerprint.ts";
import { loadBase } from "./base-cache.ts";
import type { CandidateSource, RankedBase } from "./candidate-source.ts";
import { compareSubjects } from "./compare.ts";
import type { Candidate } from "./result.ts";
import type { Subject } from "./subject.ts";

/** The closest are tested whatever their score, the others only where codes show something (about 5 sigma). */
const ALWAYS_TESTED = 2;
export const TELLING_SCORE = 5;

/** Bases that were tested, those that could not be read, and the first reason why. */
export interface RankedBases {
  readonly candidates: Candidate[];
  readonly unread: RankedBase[];
  readonly why: WeightmarkError | null;
}

export interface Ranking {
  /** Bases to test at most. */
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
  /** Whether tests of moved labels are what is asked for. */
  readonly deep: boolean;
}

/** The bases that codes rank first, tested. */
export async function testRanked(
  suspect: Subject,
  registry: CandidateSource,
  codes: readonly LayerCode[],
  { limit, signal, deep }: Ranking,
): Promise<RankedBases> {
  const candidates: Candidate[] = [];
  const unread: RankedBase[] = [];
  let why: WeightmarkError | null = null;
  for (const [place, entry] of (await registry.candidates(codes, limit)).entries()) {
    // One that cannot be read makes room for the next.
    if (place - unread.length >= ALWAYS_TESTED && entry.score < TELLING_SCORE) break;
    const fingerprint = await loadBase(registry, entry.digest).catch(unsound);
    if (fingerprint instanceof WeightmarkError) {
      unread.push(entry);
      why ??= fingerprint;
      continue;
    }
    const { name, root, parts } = entry;
    const base: Subject = { name, fingerprint, checkpoint: null, root, parts };
    const comparison = await compareSubjects(suspect, base, {
      hypotheses: registry.entries,
      monteCarlo: false,
      signal,
      deep,
    });
    candidates.push({
      name,
      root,
      verdict: comparison.verdict,
      direction: comparison.direction,
      relations: comparison.relations,
      log10P: comparison.log10P,
      matchedLayers: comparison.layers.filter((l) => (l.log10P ?? 0) < -6).length,
      components: comparison.components,
      comparison,
    });
  }
  return { candidates, unread, why };
}

/** What is wrong with one entry, and not with the registry or the way to it. */
const UNSOUND: readonly ErrorCode[] = [
  "REGISTRY_ENTRY_MISSING",
  "REGISTRY_ENTRY_POISONED",
  "REGISTRY_ENTRY_UNKNOWN",
  "FINGERPRINT_MALFORMED",
  "FINGERPRINT_VERSION",
];

/** An error of one entry; any other is thrown on. */
export function unsound(error: unknown): WeightmarkError {
  if (error instanceof WeightmarkError && UNSOUND.includes(error.code)) return error;
  throw error;
}
