import type { CanonicalTensor, Gain, Role } from "./anatomy.ts";
import { attentionMatrices, outputColumns } from "./attention.ts";
import { splitGateUp } from "./fused.ts";
import type { Layer, Parameter } from "./layer.ts";
import { layerUse, type Use } from "./layer-table.ts";
import { SHARED_EXPERT } from "./name.ts";
import type { LayerNorms } from "./norm.ts";
import { isConv1dName, layerOrientation, layerWidth, type Orientation } from "./orientation.ts";
import { plainView, shiftedView, transposedView } from "./view.ts";

/** More experts than this in one tensor are no experts; it bounds how many views a small header can ask for. */
const MAX_EXPERTS = 4096;

export interface LayerContext {
  readonly component: string;
  readonly norms: LayerNorms;
  /** Gain of what the decoder's cross-attention reads: the encoder's last norm. */
  readonly crossGain: Gain | null;
}

/** The matrices of the layer's tensors that the tables know; the others come back in `unknown`. */
export function layerMatrices(
  layer: Layer,
  context: LayerContext,
): { readonly matrices: CanonicalTensor[]; readonly unknown: Parameter[] } {
  const orientation = layerOrientation(layer, layerWidth(layer));
  const matrices: CanonicalTensor[] = [];
  const unknown: Parameter[] = [];
  for (const parameter of layer.weights.values()) {
    if (parameter.shape.length < 2) continue;
    const use = resolvedUse(parameter, layer);
    const views = use === undefined ? null : matricesOf(parameter, use, layer, context, orientation);
    if (views === null) unknown.push(parameter);
    else for (const view of views) matrices.push(view);
  }
  return { matrices, unknown };
}

function resolvedUse({ name, shape }: Parameter, layer: Layer): Use | undefined {
  const use = layerUse(name.pattern);
  if (use === "gate or router") return hasExperts(layer) ? "router" : "gate";
  if (use !== "up or gate_up" || name.pattern.endsWith("gate_up_proj")) return use;
  const down = layer.weights.get(siblingDown(name.stem))?.shape;
  return down !== undefined && shape[0] === 2 * (down[1] as number) ? use : "up";
}

function siblingDown(stem: string): string {
  return stem
    .replace("dense_h_to_4h", "dense_4h_to_h")
    .replace(/Wi$/, "Wo")
    .replace(/ffn_up$/, "ffn_down");
}

function hasExperts({ weights }: Layer): boolean {
  for (const { name } of weights.values()) if (name.expert >= 0 || name.stem.includes("experts.")) return true;
  return false;
}

/** Null when the shape does not fit the use. */
function matricesOf(
  { tensor, shape, name }: Parameter,
  use: Use,
  layer: Layer,
  context: LayerContext,
  { conv1d, expertsTransposed }: Orientation,
): readonly CanonicalTensor[] | null {
  const stacked = shape.length === 3;
  const experts = stacked ? (shape[0] as number) : 1;
  if (shape.length > 3 || shape.includes(0) || experts > MAX_EXPERTS) return null;
  const role = roleOf(use);
  const gain = role === "cross_k" || role === "cross_v" ? context.crossGain : context.norms.gainOf(role, name.stem);
  const expert = name.pattern.endsWith("_shexp") ? SHARED_EXPERT : name.expert;
  const place = { component: context.component, layer: layer.index, expert, role, tensor, gain };
  const [a, b] = shape.slice(-2) as [number, number];
  const transposed = stacked ? expertsTransposed : conv1d && isConv1dName(name.stem);
  const view = transposed ? transposedView(place, b, a) : plainView(place, a, b);
  const parts = partsOf(view, use, layer, conv1d);
  if (!stacked) return parts;
  const views: CanonicalTensor[] = [];
  for (let e = 0; e < experts; e++) for (const part of parts) views.push(shiftedView(part, e, e * a * b));
  return views;
}

function roleOf(use: Use): Role {
  switch (use) {
    case "contiguous":
    case "per-head":
    case "query_key_value":
      return "qkv";
    case "up or gate_up":
      return "up";
    case "gate or router":
      return "gate";
    default:
      return use;
  }
}

function partsOf(view: CanonicalTensor, use: Use, layer: Layer, conv1d: boolean): readonly CanonicalTensor[] {
  if (view.role === "qkv") return attentionMatrices(view, use, layer, outputColumns(layer, conv1d));
  if (use !== "up or gate_up") return [view];
  // GPT-OSS, known by its attention sinks, alternates gate and up rows.
  return splitGateUp(view, layer.weights.has("self_attn.sinks")) ?? [view];
}
