import type { Layer } from "./layer.ts";

/** Which way the tensors of one layer lie. */
export interface LinearLayout {
  /** GPT-2 keeps its linears as [in, out]. */
  readonly conv1d: boolean;
  /** Stacked experts are [E, in, out] (Llama 4, GPT-OSS) rather than [E, out, in]. */
  readonly expertsTransposed: boolean;
}

const CONV1D = new Set(["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]);

export function isConv1dName(stem: string): boolean {
  return CONV1D.has(stem);
}

/** Residual width as the layer's vectors (norms, scales) tell it; 0 when it has none. */
export function layerWidth(layer: Layer): number {
  const counts = new Map<number, number>();
  for (const { name, shape } of layer.weights.values()) {
    if (shape.length !== 1 || /attn\.|q_norm|k_norm|_a_layernorm/.test(name.stem)) continue;
    const width = shape[0] as number;
    counts.set(width, (counts.get(width) ?? 0) + 1);
  }
  let best = 0;
  for (const [width, count] of counts) if (count > (counts.get(best) ?? 0)) best = width;
  return best;
}

export function linearLayout(layer: Layer, width: number): LinearLayout {
  return { conv1d: isConv1d(layer, width), expertsTransposed: areExpertsTransposed(layer, width) };
}

function isConv1d({ weights }: Layer, width: number): boolean {
  // The fused tensor is always wider out than in, so its own shape tells.
  const fused = weights.get("attn.c_attn")?.shape;
  if (fused?.length === 2) return (fused[1] as number) > (fused[0] as number);
  const up = weights.get("mlp.c_fc")?.shape;
  return up?.length === 2 && up[0] === width && up[1] !== width;
}

function areExpertsTransposed({ weights }: Layer, width: number): boolean {
  for (const { name, shape } of weights.values()) {
    if (shape.length !== 3) continue;
    const [, a, b] = shape;
    if (a === b || (a !== width && b !== width)) continue;
    const writesResidual = /(?:^|\.)(?:down_proj|ffn_down_exps)$/.test(name.stem);
    return writesResidual ? b === width : a === width;
  }
  return false;
}
