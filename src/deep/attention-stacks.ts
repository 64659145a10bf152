import type { CanonicalTensor, Role, TensorTable } from "../anatomy/anatomy.ts";
import { describeAnatomy } from "../anatomy/describe.ts";
import { holdsValues } from "../formats/dtype-kind.ts";

/** What attention of one layer is made of. */
export type Attention = ReadonlyMap<Role, CanonicalTensor>;
export type Stack = ReadonlyMap<number, Attention>;

const ATTENTION: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "o", "qkv"]);
const READERS: readonly Role[] = ["q", "k", "v", "qkv"];

/** Attention by stack and layer. */
export function attentionStacks(tensors: TensorTable): ReadonlyMap<string, Stack> {
  const stacks = new Map<string, Map<number, Map<Role, CanonicalTensor>>>();
  for (const matrix of describeAnatomy(tensors, null).matrices) {
    const { stack, layer, role, twin, tensor } = matrix;
    if (layer < 0 || twin === true || !ATTENTION.has(role) || !holdsValues(tensors.get(tensor)!.dtype)) continue;
    const layers = stacks.get(stack) ?? new Map<number, Map<Role, CanonicalTensor>>();
    stacks.set(stack, layers);
    layers.set(layer, (layers.get(layer) ?? new Map()).set(role, matrix));
  }
  return stacks;
}

/** What reads the stream as q, k and v do: the three, or the three in one. */
export function readersOf(attention: Attention): readonly CanonicalTensor[] {
  return READERS.flatMap((role) => attention.get(role) ?? []);
}
