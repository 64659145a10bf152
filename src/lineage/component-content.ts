import type { Sketch } from "../fingerprint/fingerprint.ts";
import { coversDigests } from "./same-content.ts";

/** Matrices that must vary before equal ones say anything. */
const MIN_INFORMATIVE = 2;

/**
 * Whether all sketched matrices of two stacks are equal value for value, or those of one the other's rounded: the same
 * part, whoever had it first.
 */
export function componentContent(suspect: readonly Sketch[], base: readonly Sketch[]): "identical" | "recast" | null {
  const [left, right] = [suspect, base].map((list) => list.filter((s) => !s.twin)) as [Sketch[], Sketch[]];
  if (left.length !== right.length || left.filter(isInformative).length < MIN_INFORMATIVE) return null;
  const keys = (list: readonly Sketch[]): string => list.map((s) => `${s.rows}x${s.cols} ${s.digest.f32}`).sort().join();
  if (keys(left) === keys(right)) return "identical";
  const digests = (list: readonly Sketch[]) => list.map((s) => s.digest);
  return coversDigests(digests(left), digests(right)) || coversDigests(digests(right), digests(left)) ? "recast" : null;
}

/** Whether one table is the other, or the other rounded; the shorter one may lack rows. */
export function sameTable(suspect: Sketch, base: Sketch): boolean {
  if (!isInformative(suspect) || suspect.rows !== base.rows) return false;
  return coversDigests([suspect.digest], [base.digest]) || coversDigests([base.digest], [suspect.digest]);
}

function isInformative(s: Sketch): boolean {
  return s.valid.some(Boolean);
}
