import type { CanonicalTensor, Role } from "../anatomy/anatomy.ts";
import type { UnitMap } from "./aligned-matrix.ts";
import type { HeadMap } from "./heads.ts";
import type { NeuronMap } from "./neurons.ts";
import type { MatrixShape } from "./reference.ts";

/** The suspect's feed-forward block that is a block of the reference. */
export interface FoundBlock {
  /** Expert of the suspect. */
  readonly expert: number;
  readonly map: NeuronMap;
  readonly strengths: Float32Array;
}

export function isAttention(role: Role): role is "q" | "k" | "v" | "o" {
  return role === "q" || role === "k" || role === "v" || role === "o";
}

export const NO_EXTRAS = { extra: [], factors: new Map<number, number>() } as const;

/** Where the heads of a matrix lie in the suspect. Null when the suspect's matrix cannot be that of the reference. */
export function attentionUnits(
  role: "q" | "k" | "v" | "o",
  shape: MatrixShape,
  view: CanonicalTensor,
  heads: HeadMap | null,
): UnitMap | null {
  const side = role === "o" ? shape.cols : shape.rows;
  const theirs = role === "o" ? view.cols : view.rows;
  if (heads === null) {
    if (side !== theirs) return null;
    return { size: side, from: Int32Array.of(0), mixOf: () => null, signs: null, ...NO_EXTRAS };
  }
  const size = heads.headSize;
  const from = role === "k" || role === "v" ? heads.groups : heads.queries;
  if (from.length * size !== side || theirs % size !== 0 || from.some((unit) => (unit + 1) * size > theirs))
    return null;
  const perGroup = heads.queries.length / heads.groups.length;
  const mixes = role === "k" || role === "q" ? heads.keyMixes : heads.valueMixes;
  const mixSide = role === "k" || role === "v" ? "rows" : "dual";
  const mixOf: UnitMap["mixOf"] = (unit) => ({
    mix: mixes[mixSide === "rows" ? unit : Math.floor(unit / perGroup)]!,
    side: mixSide,
  });
  return { size, from, mixOf, signs: null, ...NO_EXTRAS };
}

/** Where the neurons of a matrix lie in the suspect, and what splitting and turning them did. */
export function neuronUnits({ map, strengths }: FoundBlock, role: Role): UnitMap {
  const base = { size: 1, from: map.from, mixOf: () => null, signs: role === "gate" ? null : map.signs };
  if (role !== "down" || map.twins.length === 0) return { ...base, ...NO_EXTRAS };
  // Parts of a split neuron add up when each is in the measure of its own up row.
  const factors = new Map<number, number>();
  const extra = map.twins.map(([from, to]) => {
    factors.set(to, strengths[map.from[to]!]!);
    return { from, to, factor: map.signs[to]! * strengths[from]! };
  });
  return { ...base, extra, factors };
}
