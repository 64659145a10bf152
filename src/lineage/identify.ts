import { type ErrorCode, WeightmarkError } from "../errors.ts";
import { layerCodes } from "../fingerprint/layer-codes.ts";
import { loadBase } from "./base-cache.ts";
import type { CandidateSource, RankedBase } from "./candidate-source.ts";
import { compareSubjects } from "./compare.ts";
import { damageOf } from "./damage.ts";
import {
  type Candidate,
  type CompareResult,
  EMBEDDINGS,
  type IdentifyResult,
  VERDICT_ORDER,
  type Verdict,
} from "./result.ts";
import type { Subject } from "./subject.ts";
import { untestableReason } from "./untestable.ts";

/** Bases that get the exact tests; codes rank all of them first. */
const DEFAULT_LIMIT = 8;
/** The closest are tested whatever their score, the others only where codes show something (about 5 sigma). */
const ALWAYS_TESTED = 2;
const TELLING_SCORE = 5;

export interface IdentifyOptions {
  /** Candidates to test at most. @default 8 */
  readonly limit?: number;
  /** Ends it, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Which registered base a suspect comes from. Codes rank every base exhaustively; the best are tested exactly, and p is
 * corrected for the whole registry. "No match" is an answer.
 * @example
 * import { identify, openSubject } from "weightmark";
 * import { defaultRegistryDirectory, openAnyCandidates } from "weightmark/registry";
 *
 * await using registry = await openAnyCandidates(defaultRegistryDirectory());
 * await using suspect = await openSubject("suspect-model");
 * const { candidates, summary } = await identify(suspect, registry);
 * console.log(summary, candidates.map(({ name }) => name));
 */
export async function identifySubject(
  suspect: Subject,
  registry: CandidateSource,
  options: IdentifyOptions = {},
): Promise<IdentifyResult> {
  const ranked = await registry.candidates(layerCodes(suspect.fingerprint), options.limit ?? DEFAULT_LIMIT);
  const candidates: Candidate[] = [];
  const unread: RankedBase[] = [];
  let why: WeightmarkError | null = null;
  for (const [place, entry] of ranked.entries()) {
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
      signal: options.signal,
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
  // Held against nothing is no answer.
  if (candidates.length === 0 && why !== null) throw why;
  candidates.sort(closestFirst);
  const best = candidates[0];
  const verdict: Verdict = best?.verdict ?? "not-testable";
  const untestable = untestableReason(suspect.fingerprint);
  const tested = candidates.filter((c) => c.verdict !== "not-testable").length;
  return {
    verdict,
    summary: summaryOf(
      suspect.name,
      verdict,
      best,
      { entries: registry.entries, tested, unread: unread.length },
      untestable,
    ),
    candidates,
    registry: { entries: registry.entries, digest: registry.digest, updatedAt: registry.updatedAt },
    caveats: [
      ...unread.map(unreadCaveat),
      ...(best === undefined ? damageOf(suspect.name, suspect.fingerprint) : []),
      ...caveatsOf(best, candidates, registry.entries, verdict, untestable),
    ],
  };
}

/** What is wrong with one entry, and not with the registry or the way to it. */
const UNSOUND: readonly ErrorCode[] = [
  "REGISTRY_ENTRY_MISSING",
  "REGISTRY_ENTRY_POISONED",
  "REGISTRY_ENTRY_UNKNOWN",
  "FINGERPRINT_MALFORMED",
  "FINGERPRINT_VERSION",
];

function unsound(error: unknown): WeightmarkError {
  if (error instanceof WeightmarkError && UNSOUND.includes(error.code)) return error;
  throw error;
}

/** One bad entry among thousands must not silence the others, nor be passed over in silence: it may be the very base. */
function unreadCaveat({ name, score }: RankedBase): string {
  const close = score >= TELLING_SCORE ? ", and its codes come close to this model's" : "";
  return `the registered base ${name} was not tested: its stored fingerprint is damaged or gone${close}`;
}

/** Stronger verdict first; among equals the smaller distance: p saturates, sign agreement and drift do not. */
function closestFirst(a: Candidate, b: Candidate): number {
  // A body that cannot be tested beside a table that agrees is nearer than a stranger that was.
  const agrees = (c: Candidate): boolean => c.verdict === "not-testable" && (c.log10P ?? 0) <= c.comparison.threshold;
  const rank = (c: Candidate): number => VERDICT_ORDER.indexOf(c.verdict) - (agrees(c) ? 1.5 : 0);
  const frozen = (c: CompareResult): number => c.difference.frozenTensors;
  return (
    rank(a) - rank(b) ||
    strength(b.comparison) - strength(a.comparison) ||
    frozen(b.comparison) - frozen(a.comparison) ||
    driftOf(a.comparison) - driftOf(b.comparison) ||
    (a.log10P ?? 0) - (b.log10P ?? 0) ||
    Number(b.root) - Number(a.root) ||
    (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  );
}

/** Beyond any where it was not measured. */
function driftOf({ difference: { drift } }: CompareResult): number {
  return drift === null ? Number.MAX_VALUE : drift;
}

function strength(c: CompareResult): number {
  return Math.max(0, ...c.components.map((x) => (x.r === null ? 0 : Math.abs(x.r))));
}

function summaryOf(
  suspect: string,
  verdict: Verdict,
  best: Candidate | undefined,
  { entries, tested, unread }: { readonly entries: number; readonly tested: number; readonly unread: number },
  untestable: string | null,
): string {
  if (entries === 0) return `No base is registered, so ${suspect} was compared with nothing.`;
  const but = unread === 0 ? "" : `, and ${unread} of the closest could not be read`;
  if (best === undefined || verdict === "not-testable") {
    const why = untestable ?? "no registered base has parts that it could be held against";
    const agrees = best?.components.some(
      ({ component, log10P }) => component === EMBEDDINGS && (log10P ?? 0) <= best.comparison.threshold,
    );
    const table =
      best !== undefined && agrees
        ? `; its token table agrees with that of ${best.name}, which by itself decides nothing`
        : "";
    return `${suspect} was not tested: ${why}${table}${but}.`;
  }
  if (verdict !== "no-evidence") return best.comparison.summary;
  const those =
    tested === entries ? `any of ${entries} registered bases` : `the ${tested} closest of ${entries} registered bases`;
  return `No match: ${suspect} shows no evidence of shared weights with ${those}${but}.`;
}

function caveatsOf(
  best: Candidate | undefined,
  candidates: readonly Candidate[],
  entries: number,
  verdict: Verdict,
  untestable: string | null,
): string[] {
  const caveats = [...(best?.comparison.caveats ?? [])];
  if (verdict === "not-testable" && untestable !== null && !caveats.includes(untestable)) caveats.unshift(untestable);
  if (entries > candidates.length) {
    const count = candidates.length === 0 ? "none" : `${candidates.length}`;
    caveats.push(`${count} of ${entries} bases were tested exactly, the ones whose codes came closest`);
  }
  const rivals = candidates.filter((c) => c.verdict === "derived" && c !== best);
  if (best?.verdict === "derived" && rivals.length > 0) {
    caveats.push(`${rivals.length} more registered models share trained weights with it; the closest comes first`);
  }
  return caveats;
}
