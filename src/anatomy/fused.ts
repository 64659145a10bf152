import type { CanonicalTensor, Role } from "./anatomy.ts";
import { mappedRows, rowsOf } from "./view.ts";

export interface HeadShape {
  readonly heads: number;
  /** Equal to `heads` unless groups of query heads share one key and one value head. */
  readonly kvHeads: number;
  /** Rows of one head. */
  readonly headSize: number;
}

/** "per-head": [H, 3, dh] (GPT-NeoX, BLOOM, Falcon-RW). "grouped": [Hk, H / Hk + 2, dh] (Falcon-40B, InternLM2). */
export type FusedLayout = "per-head" | "grouped";

export interface AttentionViews {
  readonly q: CanonicalTensor;
  readonly k: CanonicalTensor;
  readonly v: CanonicalTensor;
}

/** q | k | v one after the other, `queryRows` of them q; null when what is left is not two equal parts. */
export function splitContiguous(view: CanonicalTensor, queryRows: number): AttentionViews | null {
  const keyRows = (view.rows - queryRows) / 2;
  if (!Number.isInteger(keyRows) || keyRows < 1 || queryRows < 1) return null;
  return {
    q: rowsOf(view, "q", 0, queryRows),
    k: rowsOf(view, "k", queryRows, keyRows),
    v: rowsOf(view, "v", queryRows + keyRows, keyRows),
  };
}

/**
 * q, k and v of a fused tensor whose rows are interleaved by head, for callers that know the head count.
 * Row order inside q, k and v is head by head, as a model with separate projections stores it.
 * Null when the numbers do not tile `view` exactly: they may come from a config that lies.
 */
export function splitFusedAttention(
  view: CanonicalTensor,
  layout: FusedLayout,
  { heads, kvHeads, headSize }: HeadShape,
): AttentionViews | null {
  const groups = layout === "per-head" ? heads : kvHeads;
  const sizes = [heads, groups, headSize];
  if (!sizes.every((n) => Number.isSafeInteger(n) && n > 0) || heads % groups !== 0) return null;
  const queries = heads / groups;
  if (view.rows !== groups * (queries + 2) * headSize) return null;
  return {
    q: groupRows(view, "q", groups, queries + 2, 0, queries, headSize),
    k: groupRows(view, "k", groups, queries + 2, queries, 1, headSize),
    v: groupRows(view, "v", groups, queries + 2, queries + 1, 1, headSize),
  };
}

/** From each group of `slots` heads the `count` heads that start at slot `first`. */
function groupRows(
  view: CanonicalTensor,
  role: Role,
  groups: number,
  slots: number,
  first: number,
  count: number,
  headSize: number,
): CanonicalTensor {
  const taken = count * headSize;
  return mappedRows(view, role, groups * taken, (row) => {
    const group = Math.floor(row / taken);
    return (group * slots + first) * headSize + (row - group * taken);
  });
}

/** Gate rows before up rows, or alternating with them (GPT-OSS). */
export function splitGateUp(
  view: CanonicalTensor,
  interleaved: boolean,
): readonly [gate: CanonicalTensor, up: CanonicalTensor] | null {
  const half = view.rows / 2;
  if (!Number.isInteger(half) || half < 1) return null;
  return interleaved
    ? [rowsOf(view, "gate", 0, half, 2), rowsOf(view, "up", 1, half, 2)]
    : [rowsOf(view, "gate", 0, half), rowsOf(view, "up", half, half)];
}
