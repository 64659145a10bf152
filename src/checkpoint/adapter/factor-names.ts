import { WeightmarkError } from "../../errors.ts";

/** What an adapter keeps of one module, by what peft calls it: `lora_A`, `hada_w1_a`, ... each the name of a tensor. */
export interface AdaptedModule {
  /** Path of the module without what wraps the model: dotted, or in one word as kohya-ss writes it. */
  readonly path: string;
  readonly isFlat: boolean;
  /** Which model of a pipeline it is in, for files that hold adapters of several; "" for none. */
  readonly component: string;
  readonly parts: ReadonlyMap<string, string>;
}

/** The tensors of an adapter: what changes weights, and what takes the place of them. */
export interface AdapterContents {
  readonly modules: readonly AdaptedModule[];
  /** Names of stored tensors by the names that they have in the model. */
  readonly whole: ReadonlyMap<string, string>;
  /** As peft saves adapters of models, and not for a pipeline: what the product is scaled by stands in its settings alone. */
  readonly isPeft: boolean;
}

const MAX_NAME = 512;
/** More modules than any model has linears. */
const MAX_MODULES = 1 << 17;

const PARTS =
  "lora_[AB]|lora_embedding_[AB]|lora_magnitude_vector|lora_(?:down|up|mid)|dora_scale|alpha|hada_w[12]_[ab]|hada_t[12]|lokr_w[12](?:_[ab])?|lokr_t2|ia3_l";
/** `MODULE.lora_A.weight`, and with the adapter's name where a whole model was dumped: `MODULE.lora_A.default.weight`. */
const FACTOR = new RegExp(`^(.+)\\.(${PARTS})((?:\\.[^.]+)??)(\\.weight|\\.bias)?$`);
/** diffusers: `MODULE.lora.down.weight`, `MODULE.lora_linear_layer.down.weight`, `processor.to_q_lora.down.weight`. */
const OLDER = /^(.+)\.(?:lora|lora_linear_layer)\.(down|up)\.weight$/;
const PROCESSOR = /^(.+)\.processor\.(to_[qkv]|to_out|add_[qkv]_proj|to_add_out)_lora\.(down|up)\.weight$/;
const FLAT = /^((?:lora|lycoris)_(?:unet|te[123]?|transformer|text_encoder(?:_[23])?|prior|model))_(.+)$/;
const COMPONENT = /^(unet|transformer|text_encoder(?:_[23])?|prior)\.(.+)$/;
const WRAPPER = "base_model.model.";
/** Of kinds that are not merged here. */
const OTHERS =
  /(?:^|\.)(vera|boft|oft|lora_E|ranknum|trainable_tokens|token_adapter|prompt_embeddings|prefix_encoder|adaption|hra|vblora|fourierft|randlora|road|bone|miss|shira|c3a|delora)(?:_|\b)/;

/** Other names of the same parts. */
const SAME: ReadonlyMap<string, string> = new Map([
  ["lora_down", "lora_A"],
  ["lora_up", "lora_B"],
  ["down", "lora_A"],
  ["up", "lora_B"],
]);

/**
 * Sorts the tensors of an adapter by the modules that they are of.
 *
 * @param file what messages call the adapter
 * @throws ADAPTER_NOT_FOUND, ADAPTER_MALFORMED, ADAPTER_UNSUPPORTED
 */
export function adapterContents(names: Iterable<string>, file: string): AdapterContents {
  const modules = new Map<string, { path: string; isFlat: boolean; component: string; parts: Map<string, string> }>();
  const whole = new Map<string, string>();
  let isPeft = false;
  for (const name of names) {
    if (name.length > MAX_NAME)
      throw misread("ADAPTER_UNSUPPORTED", "the name is longer than any module's", file, name);
    if (name.startsWith(WRAPPER)) isPeft = true;
    const found = factorIn(name);
    if (found === null) {
      const [, other] = OTHERS.exec(name) ?? [];
      if (other !== undefined) {
        throw misread("ADAPTER_UNSUPPORTED", `a tensor of a kind that is not merged: ${other}`, file, name);
      }
      addWhole(whole, name, file);
      continue;
    }
    const { module, part } = found;
    const key = `${module.component} ${module.path}`;
    const known = modules.get(key) ?? { ...module, parts: new Map<string, string>() };
    if (known.parts.has(part)) {
      const other = JSON.stringify(known.parts.get(part));
      throw misread("ADAPTER_MALFORMED", `stands for the same as ${other}: two adapters in one file?`, file, name);
    }
    known.parts.set(part, name);
    if (modules.size === MAX_MODULES && !modules.has(key)) {
      throw misread("ADAPTER_MALFORMED", `more than ${MAX_MODULES} modules`, file, name);
    }
    modules.set(key, known);
  }
  if (modules.size === 0 && !isPeft) {
    throw new WeightmarkError("ADAPTER_NOT_FOUND", "holds no tensor that an adapter has", { file });
  }
  return { modules: [...modules.values()], whole, isPeft };
}

function misread(
  code: "ADAPTER_MALFORMED" | "ADAPTER_UNSUPPORTED",
  message: string,
  file: string,
  tensor: string,
): WeightmarkError {
  return new WeightmarkError(code, message, { file, tensor });
}

type Place = Pick<AdaptedModule, "path" | "isFlat" | "component">;

function factorIn(name: string): { readonly module: Place; readonly part: string } | null {
  const [, processed, linear, side] = PROCESSOR.exec(name) ?? [];
  if (processed !== undefined) {
    const path = `${processed}.${linear === "to_out" ? "to_out.0" : linear}`;
    return { module: placeOf(path), part: SAME.get(side!)! };
  }
  const [, older, direction] = OLDER.exec(name) ?? [];
  if (older !== undefined) return { module: placeOf(older), part: SAME.get(direction!)! };
  const [, module, part, , ending] = FACTOR.exec(name) ?? [];
  if (module === undefined || part === undefined) return null;
  const known = SAME.get(part) ?? part;
  return { module: placeOf(module), part: ending === ".bias" ? `${known}.bias` : known };
}

function placeOf(module: string): Place {
  const path = module.startsWith(WRAPPER) ? module.slice(WRAPPER.length) : module;
  const [, prefix, rest] = FLAT.exec(path) ?? [];
  if (rest !== undefined && !path.includes(".")) return { path: rest, isFlat: true, component: prefix! };
  const [, component, below] = COMPONENT.exec(path) ?? [];
  // Of a model called so by its own library it is a part of the path, which is found all the same.
  if (below !== undefined && path === module) return { path: below, isFlat: false, component: component! };
  return { path, isFlat: false, component: "" };
}

/** A tensor that takes the place of one of the base, or comes on top: a whole module that was trained, or a bias. */
function addWhole(whole: Map<string, string>, name: string, file: string): void {
  // What a dump keeps of the base beside the module that was trained.
  if (/\.original_module\./.test(name)) return;
  const bare = name.startsWith(WRAPPER) ? name.slice(WRAPPER.length) : name;
  const target = bare.replace(/\.modules_to_save(?:\.default)?\./, ".").replace(/\.base_layer\./, ".");
  const known = whole.get(target);
  if (known !== undefined) {
    const message = `stands for the same as ${JSON.stringify(known)}: two adapters in one file?`;
    throw misread("ADAPTER_MALFORMED", message, file, name);
  }
  whole.set(target, name);
}
