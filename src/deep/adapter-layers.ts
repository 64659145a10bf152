import { type AdapterModule, adapterModules } from "../anatomy/adapter-modules.ts";
import type { CanonicalTensor, Role, TensorTable } from "../anatomy/anatomy.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import { type Attention, attentionStacks, readersOf, type Stack } from "./attention-stacks.ts";

/** The attention of one layer of a base, and what an adapter changes there. */
export interface AdapterLayer {
  /** Where it stands in the base. */
  readonly stack: string;
  readonly layer: number;
  /** What reads the stream as q, k and v do, by tensor of the base: q, k and v, or the three in one. */
  readonly readers: readonly CanonicalTensor[];
  /** What the adapter has for those. */
  readonly changed: readonly AdapterModule[];
  readonly values: AdapterValues | null;
}

/** The channels of values: rows of the adapter's B from `first` on, columns of what writes them into the stream. */
export interface AdapterValues {
  readonly module: AdapterModule;
  readonly first: number;
  readonly channels: number;
  readonly output: CanonicalTensor;
}

/** Why nothing of an adapter can be laid over a base. */
export type Misfit = "no-attention" | "shapes";

const SINGLE: ReadonlySet<string> = new Set(["q", "k", "v", "qkv"]);
const FUSED: ReadonlySet<string> = new Set(["contiguous", "query_key_value", "per-head"]);

/** Whether a file holds factors of an adapter and no layers of a model's own. */
export function isBareAdapter(tensors: TensorTable): boolean {
  return adapterModules(tensors).length > 0 && attentionStacks(tensors).size === 0;
}

/**
 * Layers of the base's attention with what the adapter changes there, of the stack in which it changes most: one stack has one
 * stream. One module of another shape, and the adapter is another base's.
 */
export function adapterLayers(adapter: TensorTable, base: TensorTable): readonly AdapterLayer[] | Misfit {
  const stacks = attentionStacks(base);
  const found = new Map<string, Map<number, AdapterModule[]>>();
  for (const module of adapterModules(adapter)) {
    if (![module.a, module.b].every((name) => holdsValues(adapter.get(name)!.dtype))) continue;
    if (!SINGLE.has(module.use) && !FUSED.has(module.use)) continue;
    const stack = stackOf(module.stack, stacks);
    if (stack === null) continue;
    const attention = stacks.get(stack)!.get(module.layer);
    if (attention === undefined || !fits(module, attention)) return "shapes";
    const layers = found.get(stack) ?? new Map<number, AdapterModule[]>();
    found.set(stack, layers.set(module.layer, [...(layers.get(module.layer) ?? []), module]));
  }
  const [most] = [...found].sort(([, x], [, y]) => y.size - x.size);
  if (most === undefined) return "no-attention";
  const [stack, layers] = most;
  return [...layers].map(([layer, changed]) => {
    const attention = stacks.get(stack)!.get(layer)!;
    return { stack, layer, readers: readersOf(attention), changed, values: valuesOf(attention, changed) };
  });
}

/** The base's stack of that path, whatever wraps the model in either file; or the only one that there is. */
function stackOf(path: string, stacks: ReadonlyMap<string, Stack>): string | null {
  const flat = (text: string): string =>
    `_${text.replace(/^(?:base_model\.model\.|lora_[a-z0-9]+_)/, "").replaceAll(".", "_")}`;
  const wanted = flat(path);
  const all = [...stacks.keys()];
  const named = all.filter((stack) => wanted.endsWith(flat(stack)) || flat(stack).endsWith(wanted));
  const found = named.length > 0 ? named : all;
  return found.length === 1 ? found[0]! : null;
}

function fits({ use, inputs, outputs }: AdapterModule, attention: Attention): boolean {
  const [own, q, k, v, fused] = [use as Role, "q", "k", "v", "qkv"].map((role) => attention.get(role as Role));
  const whole = fused?.rows ?? (q?.rows ?? 0) + (k?.rows ?? 0) + (v?.rows ?? 0);
  const reader = FUSED.has(use) ? (fused ?? q) : own;
  return reader !== undefined && inputs === reader.cols && outputs === (FUSED.has(use) ? whole : reader.rows);
}

function valuesOf(attention: Attention, changed: readonly AdapterModule[]): AdapterValues | null {
  const [q, k, v, output] = (["q", "k", "v", "o"] as const).map((role) => attention.get(role));
  if (v === undefined || output === undefined || output.cols % v.rows !== 0) return null;
  const single = changed.find(({ use }) => use === "v");
  if (single !== undefined) return { module: single, first: 0, channels: v.rows, output };
  // Rows of the three in one lie as they lie in the base, of which the anatomy knows where v begins.
  const module = changed.find(({ use }) => FUSED.has(use));
  if (module === undefined || q?.tensor !== v.tensor || k?.tensor !== v.tensor) return null;
  return { module, first: q.rows + k.rows, channels: v.rows, output };
}
