/** Tensor names as paths: where the layer number stands, what lies inside the layer, which part of the parameter it is. */

export interface TensorName {
  /** Path up to and with the layer container ("model.layers"), "" outside layers. */
  readonly stack: string;
  /** -1 outside layers. */
  readonly layer: number;
  /** -1 when dense; shared experts count from SHARED_EXPERT. */
  readonly expert: number;
  /** Path inside the layer without suffix, or the whole path outside layers. */
  readonly stem: string;
  /** `stem` with every number replaced by "*": the key of the tables. */
  readonly pattern: string;
  /** "weight", "bias", or "" for a bare parameter. */
  readonly suffix: string;
  /** True when the container is no word the tables know: only repetition can show that it is a layer. */
  readonly loose: boolean;
}

export const SHARED_EXPERT = 1_000_000;

/** No real name comes near; longer ones are opaque, which bounds the work spent on a name. */
const MAX_NAME_LENGTH = 512;

const WRAPPERS = new Set([
  "module",
  "base_layer",
  "original_module",
  "_orig_mod",
  "_fsdp_wrapped_module",
  "_checkpoint_wrapped_module",
]);

/** Words behind which layers are counted. */
export const CONTAINERS: ReadonlySet<string> = new Set([
  "layers",
  "layer",
  "h",
  "blocks",
  "block",
  "resblocks",
  "blk",
  "albert_layer_groups",
  "transformer_blocks",
]);

const SUFFIXES = new Map([
  ["weight", "weight"],
  ["gamma", "weight"],
  ["bias", "bias"],
  ["beta", "bias"],
]);

const NUMBER = /^(?:0|[1-9][0-9]{0,5})$/;
const NUMBERED_CONTAINER = /^(layers?|h|blocks?|resblocks?|blk)_?(0|[1-9][0-9]{0,5})$/;
const GLUED_SUFFIX = /^(.+)_(weight|bias)$/;

const OPAQUE: TensorName = {
  stack: "",
  layer: -1,
  expert: -1,
  stem: "",
  pattern: "",
  suffix: "",
  loose: false,
};

export function parseTensorName(name: string): TensorName {
  if (name.length > MAX_NAME_LENGTH) return OPAQUE;
  const path = name.split(".").filter((segment) => !WRAPPERS.has(segment));
  const suffix = takeSuffix(path);
  splitNumberedContainers(path);
  const at = layerIndex(path);
  if (at < 0) {
    const stem = path.join(".");
    return { ...OPAQUE, stem, pattern: starred(path, stem), expert: expertOf(path), suffix };
  }
  const inside = path.slice(at + 1);
  const stem = inside.join(".");
  return {
    stack: path.slice(0, at).join("."),
    layer: Number(path[at]),
    expert: expertOf(inside),
    stem,
    pattern: starred(inside, stem),
    suffix,
    loose: !CONTAINERS.has(path[at - 1] ?? ""),
  };
}

/** Removes the parameter's own name from the end of the path: `q_proj.weight`, `in_proj_weight`, `LayerNorm.gamma`. */
function takeSuffix(path: string[]): string {
  const last = path.at(-1);
  if (last === undefined) return "";
  const whole = SUFFIXES.get(last);
  if (whole !== undefined) {
    path.pop();
    return whole;
  }
  const glued = GLUED_SUFFIX.exec(last);
  if (glued === null) return "";
  path[path.length - 1] = glued[1] as string;
  return glued[2] as string;
}

/** `layer_3` and `h3` become two segments. */
function splitNumberedContainers(path: string[]): void {
  for (let i = path.length - 1; i >= 0; i--) {
    const match = NUMBERED_CONTAINER.exec(path[i] as string);
    if (match !== null) path.splice(i, 1, match[1] as string, match[2] as string);
  }
}

/** The first number behind a known container, else the first number with a path on both sides. */
function layerIndex(path: readonly string[]): number {
  let loose = -1;
  for (let i = 0; i < path.length; i++) {
    if (!NUMBER.test(path[i] as string)) continue;
    const before = path[i - 1];
    if (before !== undefined && CONTAINERS.has(before) && i + 1 < path.length) return i;
    if (loose < 0 && i + 1 < path.length && before !== "experts" && before !== "expert") loose = i;
  }
  return loose;
}

function expertOf(path: readonly string[]): number {
  for (let i = 0; i < path.length; i++) {
    const segment = path[i] as string;
    const next = path[i + 1] ?? "";
    if (segment === "shared_expert" || segment === "shared_experts") {
      return SHARED_EXPERT + (NUMBER.test(next) ? Number(next) : 0);
    }
    if ((segment === "experts" || segment === "expert") && NUMBER.test(next)) return Number(next);
  }
  return -1;
}

function starred(path: readonly string[], joined: string): string {
  // Most paths hold no number: sharing the string halves what a million names keep in memory.
  if (!path.some((segment) => NUMBER.test(segment))) return joined;
  return path.map((segment) => (NUMBER.test(segment) ? "*" : segment)).join(".");
}
