import type { Anatomy, CanonicalTensor, Role } from "../../../anatomy/anatomy.ts";
import { describeAnatomy } from "../../../anatomy/describe.ts";
import { splitFusedAttention } from "../../../anatomy/fused.ts";
import { headHints } from "../../../anatomy/heads.ts";
import { layerUse } from "../../../anatomy/layer-table.ts";
import { parseTensorName } from "../../../anatomy/name.ts";
import { outerRole } from "../../../anatomy/outer-table.ts";
import type { Checkpoint } from "../../../checkpoint/checkpoint.ts";
import { holdsValues } from "../../../formats/dtype-kind.ts";
import type { Dtype } from "../../../formats/tensor-info.ts";
import { addressOf } from "../../../rows/addressed-matrix.ts";

const ROLES: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "o", "gate", "up", "down", "embed", "head"]);

/** Elements of one claimant over those of another, above which the other is no rival. */
export const MUCH_LARGER = 16;

/** A matrix that says of itself that it stands at an address. Others may say the same. */
export interface Claim {
  readonly view: CanonicalTensor;
  readonly address: string;
  readonly size: number;
  /** Whether the tables know the name; else its role was guessed from words or shapes. */
  readonly known: boolean;
}

export type Model = Pick<Checkpoint, "config" | "tensors">;

/** All matrices with a role of a mark, fused attention taken apart where the config gives the heads. */
export function claimsOf(
  { config, tensors }: Model,
  anatomy: Anatomy = describeAnatomy(tensors, config),
  reads: (dtype: Dtype) => boolean = holdsValues,
): readonly Claim[] {
  const hints = headHints(config, tensors);
  const claims: Claim[] = [];
  for (const matrix of anatomy.matrices) {
    // Marks are where names and shapes say: a matrix that may lie either way was marked as it is stored.
    if (matrix.twin === true) continue;
    const split = matrix.role === "qkv" && hints !== null ? splitFusedAttention(matrix, hints.layout, hints) : null;
    for (const view of split === null ? [matrix] : [split.q, split.k, split.v]) {
      if (!ROLES.has(view.role) || !reads(tensors.get(view.tensor)!.dtype)) continue;
      claims.push({ view, address: addressOf(view), size: view.rows * view.cols, known: isKnown(view) });
    }
  }
  return claims;
}

function isKnown({ tensor, layer }: CanonicalTensor): boolean {
  const { pattern } = parseTensorName(tensor);
  return (layer < 0 ? outerRole(pattern) : layerUse(pattern)) !== undefined;
}

/** Elements of all matrices by the path of their layers, "" outside the layers. */
export function stackSizes(claims: readonly Claim[]): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { view, size } of claims) sizes.set(view.stack, (sizes.get(view.stack) ?? 0) + size);
  return sizes;
}

/**
 * Which of several claims is believed where only one can be: that of the larger stack; inside a stack the name that the
 * tables know, unless the other is much larger; then the larger matrix, then the first by name. Nothing here looks at a
 * weight, so that whatever is chosen leaves the null as it is.
 */
export function preference(sizes: ReadonlyMap<string, number>): (a: Claim, b: Claim) => number {
  return (a, b) => {
    if (a.view.stack !== b.view.stack) {
      return sizes.get(b.view.stack)! - sizes.get(a.view.stack)! || compare(a.view.stack, b.view.stack);
    }
    const [small, large] = a.size < b.size ? [a.size, b.size] : [b.size, a.size];
    const byName = large >= MUCH_LARGER * small ? 0 : Number(b.known) - Number(a.known);
    return byName || b.size - a.size || compare(a.view.tensor, b.view.tensor);
  };
}

/** Of any number of sizes, where spreading them as arguments would end at some. */
export function largestOf(sizes: Iterable<number>): number {
  let largest = 0;
  for (const size of sizes) if (size > largest) largest = size;
  return largest;
}

export function byAddress(claims: readonly Claim[]): ReadonlyMap<string, readonly Claim[]> {
  return groupBy(claims, ({ address }) => address);
}

export function groupBy<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The same model without some of its tensors: whatever describes it then knows nothing of them. */
export function without<T extends Model>(model: T, dropped: ReadonlySet<string>): T {
  if (dropped.size === 0) return model;
  return { ...model, tensors: new Map([...model.tensors].filter(([name]) => !dropped.has(name))) };
}
