import type { CanonicalTensor, Gain, Role } from "./anatomy.ts";
import { attentionMatrices, outputColumns } from "./attention.ts";
import { splitGateUp } from "./fused.ts";
import type { Layer, Parameter } from "./layer.ts";
import { layerUse, type Use } from "./layer-table.ts";
import { isConv1dName, type LinearLayout, layerWidth, linearLayout } from "./linear-layout.ts";
import { SHARED_EXPERT } from "./name.ts";
import type { LayerNorms } from "./norm.ts";
import { plainView, shiftedView, transposedView } from "./view.ts";
import { useFromWords } from "./words.ts";

/** More experts than this in one tensor are no experts. */
const MAX_EXPERTS = 4096;
/** And this many in all: a header of a few megabytes could otherwise ask for billions of views. */
export const MAX_EXPERT_VIEWS = 2 ** 18;

export interface LayerContext {
  readonly component: string;
  readonly stack: string;
  readonly norms: LayerNorms;
  /** Gain of what the decoder's cross-attention reads: the encoder's last norm. */
  readonly crossGain: Gain | null;
  /** How many stacked experts the model may still be taken apart into; shared by all its layers. */
  readonly budget: { views: number };
}

/** What all tensors of a layer need to know of it, gathered once. */
interface Shared extends LinearLayout {
  /** Columns of the attention's output projection, null when there is none. */
  readonly queryRows: number | null;
  readonly hasExperts: boolean;
}

/** Matrices found in a part of the model. */
export interface Found {
  readonly matrices: readonly CanonicalTensor[];
  /** Parameters of two or more dimensions that neither tables nor words explain. */
  readonly unknown: readonly Parameter[];
  /** How many of the matrices rest on words that no table lists. */
  readonly guessed: number;
}

/** The matrices of the layer's tensors, by the tables or else by the words of their names where shapes agree. */
export function layerMatrices(layer: Layer, context: LayerContext): Found {
  const width = layerWidth(layer);
  const layout = linearLayout(layer, width);
  const shared: Shared = {
    ...layout,
    queryRows: outputColumns(layer, layout.conv1d),
    hasExperts: hasExperts(layer),
  };
  const matrices: CanonicalTensor[] = [];
  const unknown: Parameter[] = [];
  let guessed = 0;
  for (const parameter of layer.weights.values()) {
    if (parameter.shape.length < 2) continue;
    // A kernel of one place, as SqueezeBERT has for every linear, is no stack of experts that read one value each.
    const isKernel = parameter.shape.length === 3 && parameter.shape[2] === 1;
    const known = isKernel ? undefined : layerUse(parameter.name.pattern);
    const use = resolvedUse(known ?? guessedUse(parameter, layer, width), parameter, layer, shared);
    const views = use === undefined ? null : matricesOf(parameter, use, layer, context, shared);
    if (views === null) {
      unknown.push(parameter);
      continue;
    }
    if (known === undefined) guessed += views.length;
    for (const view of views) matrices.push(known === undefined ? { ...view, guessed: true } : view);
  }
  return { matrices, unknown, guessed };
}

/** Words are believed only of a matrix that reads or writes the residual stream where they say so. */
function guessedUse({ name, shape }: Parameter, layer: Layer, width: number): Use | undefined {
  const use = useFromWords(name, layer);
  if (use === undefined || shape.length !== 2) return undefined;
  const residual = use === "o" || use === "down" || use === "cross_o" ? shape[0] : shape[1];
  return width === 0 || residual === width ? use : undefined;
}

function resolvedUse(use: Use | undefined, { name, shape }: Parameter, layer: Layer, shared: Shared): Use | undefined {
  if (use === "gate or router") return shared.hasExperts ? "router" : "gate";
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
  shared: Shared,
): readonly CanonicalTensor[] | null {
  const stacked = shape.length === 3;
  const experts = stacked ? (shape[0] as number) : 1;
  if (shape.length > 3 || shape.includes(0) || experts > MAX_EXPERTS) return null;
  if (stacked && experts > context.budget.views) return null;
  if (stacked) context.budget.views -= experts;
  const role = roleOf(use);
  const gain = role === "cross_k" || role === "cross_v" ? context.crossGain : context.norms.gainOf(role, name.stem);
  const expert = name.pattern.endsWith("_shexp") ? SHARED_EXPERT : name.expert;
  const { component, stack } = context;
  const place = { component, stack, layer: layer.index, expert, role, tensor, gain };
  const [a, b] = shape.slice(-2) as [number, number];
  const transposed = stacked ? shared.expertsTransposed : shared.conv1d && isConv1dName(name.stem);
  const view = transposed ? transposedView(place, b, a) : plainView(place, a, b);
  const parts = partsOf(view, use, layer, shared);
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

function partsOf(view: CanonicalTensor, use: Use, layer: Layer, shared: Shared): readonly CanonicalTensor[] {
  if (view.role === "qkv") return attentionMatrices(view, use, layer, shared.queryRows);
  if (use !== "up or gate_up") return [view];
  // GPT-OSS, known by its attention sinks, alternates gate and up rows.
  return splitGateUp(view, layer.weights.has("self_attn.sinks")) ?? [view];
}
