import { WeightmarkError } from "../../errors.ts";
import { parsePythonJson } from "../../formats/python-json.ts";
import { modulePattern } from "./module-pattern.ts";

/** How peft makes changes of weights of an adapter's tensors. */
export type ChangeKind = "lora" | "loha" | "lokr" | "ia3";

/** What an adapter_config.json says of how the adapter's tensors are to be read. */
export interface AdapterSettings {
  readonly kind: ChangeKind;
  /** The rank of the module, for which its factors have to be made. */
  rankOf(module: string): number;
  /** What the product of the factors is multiplied with. */
  scaleOf(module: string): number;
  /** Whether linears are stored as [in, out]; where shapes tell, they decide. */
  readonly isTransposed: boolean;
  readonly isDora: boolean;
  /** Last parts of the paths of modules that are stored whole. */
  readonly saved: ReadonlySet<string>;
}

const FILE = "adapter_config.json";
const KINDS: ReadonlyMap<string, ChangeKind> = new Map([
  ["LORA", "lora"],
  ["LOHA", "loha"],
  ["LOKR", "lokr"],
  ["IA3", "ia3"],
]);
/** Options of LoRA that change how it works, or what the base was when it began. */
const OTHERWISE = [
  "use_bdlora",
  "arrow_config",
  "alora_invocation_tokens",
  "velora_config",
  "monteclora_config",
  "kasa_config",
  "use_qalora",
  "layer_replication",
  "trainable_token_indices",
  "target_parameters",
];
/** Starts that leave the base as it was; others (PiSSA, OLoRA, CorDA, LoftQ) take the start out of it. */
const STARTS = new Set<unknown>([undefined, null, true, false, "gaussian", "eva", "orthogonal"]);
/** Patterns of ranks are asked for every module. */
const MAX_PATTERNS = 1 << 14;
/** Keys that are more than a path or its end. */
const MAX_EXPRESSIONS = 64;
const PLAIN = /^[0-9A-Za-z_.-]+$/;
const MAX_RANK = 1 << 20;

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param bytes of an adapter_config.json
 * @param file what messages call the adapter
 * @throws ADAPTER_CONFIG_INVALID, ADAPTER_UNSUPPORTED
 */
export function parseSettings(bytes: Uint8Array, file: string): AdapterSettings {
  return settingsIn(fieldsOf(bytes, file), file);
}

/**
 * What diffusers writes into the header of a file: the settings of each model of a pipeline, each key behind the model's name.
 *
 * @returns null where it says nothing of the model
 * @throws ADAPTER_CONFIG_INVALID, ADAPTER_UNSUPPORTED
 */
export function packedSettings(text: string, component: string, file: string): AdapterSettings | null {
  const prefix = `${component}.`;
  const own = Object.entries(fieldsOf(new TextEncoder().encode(text), file)).filter(([key]) => key.startsWith(prefix));
  if (component === "" || own.length === 0) return null;
  const config: Record<string, unknown> = Object.create(null);
  for (const [key, value] of own) config[key.slice(prefix.length)] = value;
  return settingsIn({ ...config, peft_type: config.peft_type ?? "LORA" }, file);
}

function settingsIn(config: Fields, file: string): AdapterSettings {
  const type = config.peft_type;
  const kind = typeof type === "string" ? KINDS.get(type) : undefined;
  if (kind === undefined) {
    const named = typeof type === "string" ? JSON.stringify(type.slice(0, 40)) : "no kind of adapter";
    throw new WeightmarkError("ADAPTER_UNSUPPORTED", `${FILE} names ${named}, which is not merged while reading`, {
      file,
    });
  }
  const odd = OTHERWISE.find((option) => isOn(config[option]));
  if (odd !== undefined) {
    throw new WeightmarkError("ADAPTER_UNSUPPORTED", `${FILE} says ${odd}, which is not merged while reading`, {
      file,
    });
  }
  if (kind === "lora" && !STARTS.has(config.init_lora_weights)) {
    const start = JSON.stringify(String(config.init_lora_weights).slice(0, 40));
    const message = `the adapter began as ${start}, which takes its start out of the base's weights`;
    throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file });
  }
  const rankOf = ranksOf(config, kind, file);
  const alphaOf = patterned(
    config,
    { field: kind === "lora" ? "lora_alpha" : "alpha", pattern: "alpha_pattern" },
    file,
  );
  const isRootScaled = config.use_rslora === true;
  return {
    kind,
    rankOf,
    scaleOf(module) {
      const [alpha, rank] = [alphaOf(module), rankOf(module)];
      return alpha / (isRootScaled ? Math.sqrt(rank) : rank);
    },
    isTransposed: config.fan_in_fan_out === true,
    isDora: kind === "lora" && config.use_dora === true,
    saved: new Set(textsOf(config.modules_to_save)),
  };
}

function fieldsOf(bytes: Uint8Array, file: string): Fields {
  let value: unknown;
  try {
    value = parsePythonJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : "it is not UTF-8";
    throw new WeightmarkError("ADAPTER_CONFIG_INVALID", `${FILE} cannot be read: ${why}`, { file });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new WeightmarkError("ADAPTER_CONFIG_INVALID", `${FILE} is no JSON object`, { file });
  }
  return Object.assign(Object.create(null), value);
}

function isOn(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return !Array.isArray(value) || value.length > 0;
  return value !== undefined && value !== null && value !== false;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function ranksOf(config: Fields, kind: ChangeKind, file: string): (module: string) => number {
  if (kind === "ia3") return () => 1;
  const rankOf = patterned(config, { field: "r", pattern: "rank_pattern" }, file);
  return (module) => {
    const rank = rankOf(module);
    if (Number.isInteger(rank) && rank >= 1 && rank <= MAX_RANK) return rank;
    throw new WeightmarkError("ADAPTER_CONFIG_INVALID", `${FILE} says rank ${rank}`, { file });
  };
}

/** A number of every module: that of the first key of a pattern that its path ends in, else the one for all. */
function patterned(
  config: Fields,
  { field, pattern }: { readonly field: string; readonly pattern: string },
  file: string,
): (module: string) => number {
  const invalid = (what: string) =>
    new WeightmarkError("ADAPTER_CONFIG_INVALID", `${what} in ${FILE} is no finite number`, { file });
  // peft's own defaults, for files that leave them out.
  const general = config[field] ?? 8;
  if (typeof general !== "number" || !Number.isFinite(general)) throw invalid(field);
  const own = config[pattern] ?? {};
  if (typeof own !== "object" || Array.isArray(own)) throw invalid(pattern);
  const entries = Object.entries(own as object);
  if (entries.length > MAX_PATTERNS) {
    throw new WeightmarkError("ADAPTER_CONFIG_INVALID", `more than ${MAX_PATTERNS} keys of ${pattern}`, { file });
  }
  // Nearly all keys are paths or ends of paths: looked up, not tried one by one.
  const plain = new Map<string, { readonly place: number; readonly value: number }>();
  const patterns: { readonly place: number; readonly value: number; readonly matches: (module: string) => boolean }[] =
    [];
  for (const [place, [key, value]] of entries.entries()) {
    if (typeof value !== "number" || !Number.isFinite(value)) throw invalid(pattern);
    if (PLAIN.test(key)) {
      if (!plain.has(key)) plain.set(key, { place, value });
      continue;
    }
    const matches = modulePattern(key);
    if (matches === null || patterns.length === MAX_EXPRESSIONS) {
      const shown = JSON.stringify(key.slice(0, 80));
      const message = `the key ${shown} of ${pattern} is a regular expression that is not understood`;
      throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file });
    }
    patterns.push({ place, value, matches });
  }
  return (module) => {
    const found = [
      ...endsOf(module).flatMap((end) => plain.get(end) ?? []),
      ...patterns.filter((one) => one.matches(module)),
    ];
    return found.reduce((a, b) => (b.place < a.place ? b : a), { place: Number.POSITIVE_INFINITY, value: general })
      .value;
  };
}

/** A path, and what stands behind each of its dots. */
function endsOf(module: string): string[] {
  const segments = module.split(".");
  return segments.map((_, i) => segments.slice(i).join("."));
}
