import type { TensorTable } from "./anatomy.ts";
import { flattenedUse, layerUse, type Use } from "./layer-table.ts";
import { parseTensorName } from "./name.ts";

/** A linear that a LoRA adapter changes by B A: A is [rank, inputs], B is [outputs, rank]. */
export interface AdapterModule {
  /** Path of the layer container as it is written, whatever wraps the model included. */
  readonly stack: string;
  readonly layer: number;
  readonly use: Use;
  /** Names of the stored tensors. */
  readonly a: string;
  readonly b: string;
  readonly rank: number;
  readonly inputs: number;
  readonly outputs: number;
}

const FACTOR = /^(.+)\.(?:lora_([AB]|down|up)|lora(?:_linear_layer)?\.(down|up))(\.[^.]+)?\.weight$/;
/** kohya-ss: the path of the module as one word. */
const FLATTENED = /^(.+_(?:layers?|h|blocks?))_(0|[1-9][0-9]{0,5})_(.+)$/;
const MAX_NAME = 512;
/** Wider than any linear, and more components than any adapter has: a file must not decide how much memory is used. */
const MAX_SIDE = 1 << 20;
const MAX_ELEMENTS = 1 << 24;

/** The linears inside layers whose names tell what they do; of several adapters in one file the first by name. */
export function adapterModules(tensors: TensorTable): readonly AdapterModule[] {
  const factors = new Map<string, { readonly module: string; a?: string; b?: string }>();
  for (const name of [...tensors.keys()].sort()) {
    const found = name.length > MAX_NAME ? null : FACTOR.exec(name);
    if (found === null) continue;
    const [, module, first, second, adapter] = found as unknown as [string, string, string?, string?, string?];
    const key = `${module} ${adapter ?? ""}`;
    const both = factors.get(key) ?? { module };
    factors.set(key, both);
    both[["A", "down"].includes((first ?? second)!) ? "a" : "b"] ??= name;
  }
  const modules = new Map<string, AdapterModule>();
  for (const { module, a, b } of factors.values()) {
    const place = placeOf(module);
    if (place === null || a === undefined || b === undefined || modules.has(module)) continue;
    const [down, up] = [tensors.get(a)!.shape, tensors.get(b)!.shape];
    const [rank, inputs] = down as [number, number];
    const [outputs, sameRank] = up as [number, number];
    if (down.length !== 2 || up.length !== 2 || rank !== sameRank || rank < 1) continue;
    if (Math.max(inputs, outputs) > MAX_SIDE || rank * Math.max(inputs, outputs) > MAX_ELEMENTS) continue;
    modules.set(module, { ...place, a, b, rank, inputs, outputs });
  }
  return [...modules.values()];
}

function placeOf(module: string): Pick<AdapterModule, "stack" | "layer" | "use"> | null {
  const { stack, layer, pattern } = parseTensorName(`${module}.weight`);
  const use = layer < 0 ? undefined : layerUse(pattern);
  if (use !== undefined) return { stack, layer, use };
  const [, before, number, rest] = FLATTENED.exec(module) ?? [];
  const flat = rest === undefined ? undefined : flattenedUse(rest);
  return flat === undefined ? null : { stack: before!, layer: Number(number), use: flat };
}
