import type { Fingerprint, MatrixSketch, ValueDigest } from "../fingerprint/fingerprint.ts";
import { componentHoldings, type Leaf } from "./component-holding.ts";
import { coversDigests } from "./same-content.ts";

/** Matrices that must vary before equal ones say anything. */
const MIN_INFORMATIVE = 2;

/**
 * Whether all matrices of two stacks are equal wherever they were read, or those of one the other's rounded: the same part,
 * no matter who had it first. Experts that no sketch covers count like all others.
 */
export function componentContent(
  suspect: Fingerprint,
  base: Fingerprint,
  names: { readonly suspect: string; readonly base: string },
): "identical" | "recast" | null {
  const [left, right] = [componentHoldings(suspect).get(names.suspect), componentHoldings(base).get(names.base)];
  if (left === undefined || right === undefined) return null;
  const stored = compared(left.stored, right.stored);
  if (stored !== "other shapes") return stored;
  // Fused or laid otherwise: canonical matrices are held against each other, if all of them were sketched.
  const whole = [suspect, base].every(({ coverage }) => coverage.sketched >= coverage.matrices);
  const bodies = (leaves: readonly Leaf[]): Leaf[] => leaves.filter(({ tokens }) => !tokens);
  const canonical = whole ? compared(bodies(left.sketched), bodies(right.sketched)) : null;
  return canonical === "other shapes" ? null : canonical;
}

function compared(left: readonly Leaf[], right: readonly Leaf[]): "identical" | "recast" | "other shapes" | null {
  if (left.length === 0 || right.length === 0) return null;
  if (listOf(left, ({ shape }) => shape) !== listOf(right, ({ shape }) => shape)) return "other shapes";
  if (left.filter(({ varies }) => varies).length < MIN_INFORMATIVE) return null;
  const contents = (leaves: readonly Leaf[]): string => listOf(leaves, ({ shape, values }) => `${shape} ${values.f32}`);
  if (contents(left) === contents(right)) return "identical";
  const [a, b] = [left, right].map((leaves) => leaves.map(({ values }) => values)) as [ValueDigest[], ValueDigest[]];
  return coversDigests(a, b) || coversDigests(b, a) ? "recast" : null;
}

function listOf(leaves: readonly Leaf[], of: (leaf: Leaf) => string): string {
  return leaves.map(of).sort().join();
}

/** Whether one table is the other, or the other rounded. */
export function sameTable(suspect: MatrixSketch, base: MatrixSketch): boolean {
  if (!suspect.valid.some(Boolean) || suspect.rows !== base.rows) return false;
  return coversDigests([suspect.digest], [base.digest]) || coversDigests([base.digest], [suspect.digest]);
}
