import type { Fingerprint, Sketch, ValueDigest } from "../fingerprint/fingerprint.ts";
import { coversDigests } from "./same-content.ts";
import { stacksOf } from "./stack.ts";

/** Matrices that must vary before equal ones say anything. */
const MIN_INFORMATIVE = 2;

/** The tensors of one stack: shapes and digests, and whether their values vary. */
interface Holding {
  readonly leaves: readonly { readonly shape: string; readonly values: ValueDigest; readonly varies: boolean }[];
}

/**
 * Whether all matrices of two stacks are equal wherever they were read, or those of one the other's rounded: the same part,
 * whoever had it first. Experts that no sketch covers count like all others.
 */
export function componentContent(
  suspect: Fingerprint,
  base: Fingerprint,
  names: { readonly suspect: string; readonly base: string },
): "identical" | "recast" | null {
  const stored = compared(storedIn(suspect, names.suspect), storedIn(base, names.base));
  if (stored !== "other shapes") return stored;
  // Fused or laid otherwise: canonical matrices are held against each other, if all of them were sketched.
  const whole = [suspect, base].every(({ coverage }) => coverage.sketched >= coverage.matrices);
  const canonical = whole ? compared(sketchedIn(suspect, names.suspect), sketchedIn(base, names.base)) : null;
  return canonical === "other shapes" ? null : canonical;
}

function compared(left: Holding, right: Holding): "identical" | "recast" | "other shapes" | null {
  if (left.leaves.length === 0 || right.leaves.length === 0) return null;
  if (listOf(left, ({ shape }) => shape) !== listOf(right, ({ shape }) => shape)) return "other shapes";
  if (left.leaves.filter(({ varies }) => varies).length < MIN_INFORMATIVE) return null;
  const contents = (one: Holding): string => listOf(one, ({ shape, values }) => `${shape} ${values.f32}`);
  if (contents(left) === contents(right)) return "identical";
  const [a, b] = [left, right].map(({ leaves }) => leaves.map(({ values }) => values)) as [
    ValueDigest[],
    ValueDigest[],
  ];
  return coversDigests(a, b) || coversDigests(b, a) ? "recast" : null;
}

function listOf({ leaves }: Holding, of: (leaf: Holding["leaves"][number]) => string): string {
  return leaves.map(of).sort().join();
}

function storedIn({ tensors }: Fingerprint, name: string): Holding {
  return {
    leaves: tensors.flatMap(({ component, shape, values, uniform }) =>
      component !== name || values === null ? [] : [{ shape: shape.join("x"), values, varies: !uniform }],
    ),
  };
}

function sketchedIn(fingerprint: Fingerprint, name: string): Holding {
  const sketches = stacksOf(fingerprint).find((stack) => stack.name === name)?.sketches ?? [];
  return {
    leaves: sketches.map((s) => ({ shape: `${s.rows}x${s.cols}`, values: s.digest, varies: s.valid.some(Boolean) })),
  };
}

/** Whether one table is the other, or the other rounded. */
export function sameTable(suspect: Sketch, base: Sketch): boolean {
  if (!suspect.valid.some(Boolean) || suspect.rows !== base.rows) return false;
  return coversDigests([suspect.digest], [base.digest]) || coversDigests([base.digest], [suspect.digest]);
}
