import type { Fingerprint, ValueDigest } from "../fingerprint/fingerprint.ts";

export type SameContent =
  /** Equal values; `everywhere` when every stored byte was compared, not only the sampled ones. */
  | { readonly kind: "identical"; readonly everywhere: boolean }
  /** One side is the other rounded to a narrower type. */
  | { readonly kind: "recast"; readonly narrower: "suspect" | "base" }
  | null;

/** Whether two fingerprints hold the same content, whatever the container, the names, the order and the element type. */
export function sameContent(suspect: Fingerprint, base: Fingerprint): SameContent {
  const contentKnown = suspect.roots.content !== null && base.roots.content !== null;
  if (contentKnown && suspect.roots.content === base.roots.content) return { kind: "identical", everywhere: true };
  const left = leaves(suspect);
  const right = leaves(base);
  if (left.length === 0 || right.length === 0) return null;
  if (suspect.roots.sampled === base.roots.sampled) {
    // Same types and different bytes: the difference lies where nothing was sampled, and it is a difference.
    if (contentKnown && sameTypes(suspect, base)) return null;
    return { kind: "identical", everywhere: false };
  }
  if (covers(left, right)) return { kind: "recast", narrower: "suspect" };
  if (covers(right, left)) return { kind: "recast", narrower: "base" };
  return null;
}

/** Number of sampled matrices of the suspect that equal one of the base value for value. */
export function equalMatrices(suspect: Fingerprint, base: Fingerprint): number {
  const known = new Set(base.sketches.map((s) => `${s.rows}x${s.cols} ${s.digest.f32}`));
  return suspect.sketches.filter((s) => known.has(`${s.rows}x${s.cols} ${s.digest.f32}`)).length;
}

/** Digests of everything sampled; equal token matrices (a tied head stored again) once. */
function leaves(fp: Fingerprint): ValueDigest[] {
  const vectors = fp.tensors.flatMap((t) => (t.values === null ? [] : [t.values]));
  const matrices = fp.sketches.filter((s) => !s.tokens).map((s) => s.digest);
  const tokens = new Map(fp.sketches.filter((s) => s.tokens).map((s) => [s.digest.f32, s.digest]));
  return [...matrices, ...tokens.values(), ...vectors];
}

/** Whether `cast` is `original` after rounding some or all of its tensors to f16 or bf16, and nothing else. */
function covers(cast: readonly ValueDigest[], original: readonly ValueDigest[]): boolean {
  if (cast.length !== original.length) return false;
  const images = new Set(original.flatMap((d) => [d.f32, d.f16, d.bf16]));
  const values = new Set(cast.map((d) => d.f32));
  return (
    cast.every((d) => images.has(d.f32)) &&
    original.every((d) => values.has(d.f32) || values.has(d.f16) || values.has(d.bf16))
  );
}

function sameTypes(a: Fingerprint, b: Fingerprint): boolean {
  const census = (fp: Fingerprint): string => JSON.stringify(Object.entries(fp.dtypes).sort());
  return census(a) === census(b);
}
