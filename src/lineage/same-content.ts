import type { Fingerprint, ValueDigest } from "../fingerprint/fingerprint.ts";
import { counted } from "../fingerprint/identity.ts";
import { holdsIndices, holdsValues } from "../formats/dtype-kind.ts";
import { indicesOfOneSide } from "./indices.ts";
import type { Image } from "./result.ts";

export type SameContent =
  /**
   * Equal values; `everywhere` when every stored byte was compared, not only the sampled ones. `empty` is how many tensors
   * without elements only one side stores, `indices` how many of whole numbers or flags.
   */
  | { readonly kind: "identical"; readonly everywhere: boolean; readonly empty?: number; readonly indices?: number }
  /** One side is the other rounded to a narrower type, or to the levels of a quantiser. */
  | { readonly kind: "recast"; readonly narrower: "suspect" | "base"; readonly image?: Image }
  | null;

/**
 * Whether two fingerprints hold the same content, whatever the container, the names, the order and the element type. Files
 * of nothing but constants, counts and masks hold nothing to be equal in.
 */
export function sameContent(suspect: Fingerprint, base: Fingerprint): SameContent {
  if (!isInformative(suspect) || !isInformative(base)) return null;
  const contentKnown = suspect.roots.content !== null && base.roots.content !== null;
  if (contentKnown && suspect.roots.content === base.roots.content) return { kind: "identical", everywhere: true };
  const indices = indicesOfOneSide(suspect, base);
  if (indices === null) return null;
  const aside = indices === 0 ? {} : { indices };
  // Where tensors can be held against each other as they are stored, that decides; canonical matrices serve where one file
  // fuses or lays them otherwise, unless some (most experts, say) were not sketched.
  const alike = shapesOf(suspect) === shapesOf(base) && !hasExchangedAxes(suspect, base);
  const canonical = !alike && [suspect, base].every(({ coverage }) => coverage.sketched >= coverage.matrices);
  if (suspect.roots.stored === base.roots.stored || (canonical && suspect.roots.sampled === base.roots.sampled)) {
    // Same types, laid alike, and different bytes: the difference lies where nothing was sampled, and it is a difference.
    if (contentKnown && alike && sameTypes(suspect, base)) return null;
    return { kind: "identical", everywhere: false, ...aside };
  }
  if (!alike && !canonical) return null;
  const [left, right] = [suspect, base].map(alike ? storedLeaves : canonicalLeaves) as [Leaf[], Leaf[]];
  const [more, fewer] = [without(left, right), without(right, left)];
  const rest = fewer.length === 0 ? more : more.length === 0 ? fewer : [];
  // A constant that only one side has is something else: a scale, a gate or a bias changes what the model computes.
  if (rest.length > 0 && rest.every(({ isEmpty }) => isEmpty)) {
    return { kind: "identical", everywhere: false, empty: rest.length, ...aside };
  }
  // Lists that are equal are no rounding of each other, whatever tells the files apart.
  if (more.length === 0 || fewer.length === 0) return null;
  const [one, other] = [left, right].map((leaves) => leaves.map(({ values }) => values)) as [
    ValueDigest[],
    ValueDigest[],
  ];
  if (coversDigests(one, other)) return { kind: "recast", narrower: "suspect" };
  return coversDigests(other, one) ? { kind: "recast", narrower: "base" } : null;
}

/** A piece of content: what was read of it, if it has anything. */
interface Leaf {
  readonly values: ValueDigest;
  readonly isEmpty: boolean;
}

/** What is left of some leaves when each of the others has taken away one that equals it. */
function without(leaves: readonly Leaf[], others: readonly Leaf[]): Leaf[] {
  const counts = new Map<string, number>();
  for (const { values } of others) counts.set(values.f32, (counts.get(values.f32) ?? 0) + 1);
  return leaves.filter(({ values }) => {
    const count = counts.get(values.f32) ?? 0;
    if (count > 0) counts.set(values.f32, count - 1);
    return count === 0;
  });
}

/** Whether something in a file says whose it is. */
export function isInformative({ tensors }: Fingerprint): boolean {
  return tensors.some((t) => t.values !== null && !t.uniform);
}

/** Tensors of the suspect that equal one of the base wherever they were read, of those that were read and vary. */
export function equalTensors(
  suspect: Fingerprint,
  base: Fingerprint,
): { readonly equal: number; readonly compared: number } {
  const bothFull = suspect.roots.content !== null && base.roots.content !== null;
  const keysOf = ({ tensors }: Fingerprint): string[] =>
    tensors.flatMap(({ shape, values, uniform, content, dtype }) => {
      if (values === null || uniform || shape.length < 2 || holdsIndices(dtype)) return [];
      return [`${shape.join("x")} ${values.f32} ${bothFull ? `${dtype} ${content}` : ""}`];
    });
  const known = new Set(keysOf(base));
  const keys = keysOf(suspect);
  return { equal: keys.filter((key) => known.has(key)).length, compared: keys.length };
}

/**
 * Canonical matrices and all that they do not cover, packed codes included; equal token matrices (a tied head stored again)
 * once. It is what `sampledRoot` is over.
 */
function canonicalLeaves(fp: Fingerprint): Leaf[] {
  const rest = counted(fp.tensors).filter(({ component, dtype }) => component === null || !holdsValues(dtype));
  const matrices = fp.sketches.filter((s) => !s.tokens && !s.twin).map((s) => s.digest);
  const tokens = new Map(fp.sketches.filter((s) => s.tokens).map((s) => [s.digest.f32, s.digest]));
  return [...[...matrices, ...tokens.values()].map((values) => ({ values, isEmpty: false })), ...leavesOf(rest)];
}

/** Stored tensors, which no name takes part in. */
function storedLeaves(fp: Fingerprint): Leaf[] {
  return leavesOf(counted(fp.tensors));
}

function leavesOf(tensors: Fingerprint["tensors"]): Leaf[] {
  return tensors.flatMap(({ values, shape }) => (values === null ? [] : [{ values, isEmpty: shape.includes(0) }]));
}

/** Whether `cast` is `original` after rounding some or all of its tensors to f16 or bf16, and nothing else. */
export function coversDigests(cast: readonly ValueDigest[], original: readonly ValueDigest[]): boolean {
  if (cast.length !== original.length) return false;
  // One for one: a layer that is there twice is not the rounding of two.
  const left = new Map<string, number>();
  for (const { f32 } of cast) left.set(f32, (left.get(f32) ?? 0) + 1);
  return original.every((digest) => {
    const image = [digest.f32, digest.f16, digest.bf16].find((one) => (left.get(one) ?? 0) > 0);
    if (image === undefined) return false;
    left.set(image, left.get(image)! - 1);
    return true;
  });
}

function shapesOf({ tensors }: Fingerprint): string {
  return counted(tensors)
    .map((t) => t.shape.join("x"))
    .sort()
    .join();
}

/** Whether a tensor is [out, in] in one file and [in, out] in the other: with both kinds a list of shapes does not show it. */
function hasExchangedAxes(suspect: Fingerprint, base: Fingerprint): boolean {
  const shapes = new Map(base.tensors.map(({ name, shape }) => [name, shape]));
  return suspect.tensors.some(({ name, shape: [rows, cols, ...more] }) => {
    const there = shapes.get(name);
    return there?.length === 2 && more.length === 0 && rows !== cols && rows === there[1] && cols === there[0];
  });
}

function sameTypes(a: Fingerprint, b: Fingerprint): boolean {
  const census = (fp: Fingerprint): string => JSON.stringify(Object.entries(fp.dtypes).sort());
  return census(a) === census(b);
}
