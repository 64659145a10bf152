import { WeightmarkError } from "../errors.ts";
import { MAX_SKETCHES } from "../fingerprint/sampling.ts";
import type { Part } from "../lineage/part.ts";
import { compareText, isDigest } from "./names.ts";

/** Shared by the entries without parts: a million of them hold one list. */
export const NO_PARTS: readonly Part[] = Object.freeze([]);

/** Whether a stored value is a list of parts: each component once, in order, as `mergeParts` leaves them. */
export function isPartList(value: unknown): value is readonly Part[] {
  if (!Array.isArray(value) || value.length > MAX_SKETCHES) return false;
  const sound = (value as readonly unknown[]).every((part) => {
    if (typeof part !== "object" || part === null) return false;
    const { component, of } = part as Record<string, unknown>;
    return typeof component === "string" && typeof of === "string" && isDigest(of);
  });
  const parts = value as readonly Part[];
  return sound && parts.every(({ component }, i) => i === 0 || parts[i - 1]!.component < component);
}

/** A stored list of parts, of which nothing is kept but what a part is; null for what is none. See `isPartList`. */
export function partListOf(value: unknown): readonly Part[] | null {
  return isPartList(value) ? value.map(({ component, of }) => ({ component, of })) : null;
}

/**
 * The known parts and more of them; `more` decides where both name a component. None is ever dropped: without it, a
 * direction would be claimed that was not before.
 */
export function mergeParts(known: readonly Part[], more: readonly Part[]): readonly Part[] {
  if (more.length === 0) return known;
  const merged = new Map([...known, ...more].map(({ component, of }) => [component, { component, of }]));
  return [...merged.values()].sort((a, b) => compareText(a.component, b.component));
}

/** Refuses what no registry would read again. */
export function requireParts(parts: readonly Part[]): void {
  if (isPartList(parts)) return;
  throw new WeightmarkError("USAGE", "the parts of a model are components, each with the digest of another entry");
}

export function sameParts(a: readonly Part[], b: readonly Part[]): boolean {
  return a.length === b.length && a.every(({ component, of }, i) => component === b[i]!.component && of === b[i]!.of);
}

/** The first component that both lists have, from different entries. */
export function movedPart(known: readonly Part[], now: readonly Part[]): Part | undefined {
  const of = new Map(now.map((part) => [part.component, part.of]));
  return known.find((part) => (of.get(part.component) ?? part.of) !== part.of);
}
