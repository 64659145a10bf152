import { layerCodes } from "../fingerprint/layer-codes.ts";
import type { CandidateSource, RankedBase } from "./candidate-source.ts";
import { damageOf } from "./damage.ts";
import { type FittingBase, fittingBases } from "./fitting-bases.ts";
import { movedBases, NO_BASES } from "./moved-bases.ts";
import { isOpen } from "./open-question.ts";
import { TELLING_SCORE, testRanked } from "./ranked-bases.ts";
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

export interface IdentifyOptions {
  /** Candidates to test at most. @default 8 */
  readonly limit?: number;
  /** Ends it, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Which registered base a suspect comes from. Codes rank every base exhaustively; the best are tested exactly, and p is
 * corrected for the whole registry. Where nothing is settled, bases with a deep part are ranked by their tokens and asked whether
 * labels were moved; and of a LoRA adapter alone all whose shapes fit, whether it was trained on them. "No match" is an answer.
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
  const { limit = DEFAULT_LIMIT, signal } = options;
  const plain = await testRanked(suspect, registry, layerCodes(suspect.fingerprint), { limit, signal, deep: false });
  const { why } = plain;
  // Held against nothing is no answer.
  if (plain.candidates.length === 0 && why !== null) throw why;
  const moved = plain.candidates.every(({ comparison }) => isOpen(comparison))
    ? await movedBases(suspect, registry, { limit, signal }, !plain.candidates.every(isSilent))
    : NO_BASES;
  const candidates = withMoved(plain.candidates, moved.candidates);
  const missed = new Set(plain.unread.map(({ name }) => name));
  const unread = [...plain.unread, ...moved.unread.filter(({ name }) => !missed.has(name))];
  candidates.sort(closestFirst);
  const best = candidates[0];
  const verdict: Verdict = best?.verdict ?? "not-testable";
  const untestable = untestableReason(suspect.fingerprint);
  const fitting = verdict === "not-testable" ? await fittingBases(suspect, registry, signal) : [];
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
      ...moved.caveats,
      ...fitting.map(fittingCaveat),
      ...(best === undefined ? damageOf(suspect.name, suspect.fingerprint) : []),
      ...caveatsOf(best, candidates, registry.entries, verdict, untestable),
    ],
  };
}

/** What deep tests say of a base is more than what the plain ones said. */
function withMoved(plain: readonly Candidate[], moved: readonly Candidate[]): Candidate[] {
  const asked = new Set(moved.map(({ name }) => name));
  return [...plain.filter(({ name }) => !asked.has(name)), ...moved];
}

function isSilent({ verdict }: Candidate): boolean {
  return verdict === "no-evidence" || verdict === "not-testable";
}

/** One bad entry among thousands must not silence the others, nor be passed over in silence: it may be the very base. */
function unreadCaveat({ name, score }: RankedBase): string {
  const close = score >= TELLING_SCORE ? ", and its codes come close to this model's" : "";
  return `the registered base ${name} was not tested: its stored fingerprint is damaged or gone${close}`;
}

function fittingCaveat({ name, isTestable }: FittingBase): string {
  const fits = `the registered base ${name} has the shapes that it was trained for`;
  if (isTestable)
    return `${fits}, and was registered without what adapters alone are tested by: add it again with a deep part`;
  return `${fits}, and adapters of its kind are not tested alone: nothing says that it was trained on this base`;
}

/** Stronger verdict first; among equals the smaller distance: p saturates, sign agreement and drift do not. */
function closestFirst(a: Candidate, b: Candidate): number {
  // A body that cannot be tested beside a table that agrees is nearer than a stranger that was.
  const agrees = (c: Candidate): boolean => c.verdict === "not-testable" && (c.log10P ?? 0) <= c.comparison.threshold;
  const rank = (c: Candidate): number => VERDICT_ORDER.indexOf(c.verdict) - (agrees(c) ? 1.5 : 0);
  // What has no p is no proof, however strong it is.
  const isCalibrated = (c: Candidate): number => Number(c.comparison.deep?.basis === "calibrated");
  const frozen = (c: CompareResult): number => c.difference.frozenTensors;
  return (
    isCalibrated(a) * Number(!isSilent(b)) - isCalibrated(b) * Number(!isSilent(a)) ||
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
  return Math.max(c.deep?.strength?.gate ?? 0, ...c.components.map((x) => (x.r === null ? 0 : Math.abs(x.r))));
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
