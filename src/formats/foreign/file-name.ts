import type { ContainerKind } from "./containers.ts";

/** Containers of weights, as a file that was not finished, packed or sealed is still called after. */
const WEIGHTS =
  "safetensors|sft|bin|pt|pth|th|ckpt|gguf|ggml|h5|keras|msgpack|onnx|npz|tflite|nemo|pdparams|pdiparams|distcp";
const afterWeights = (ending: string) => new RegExp(`\\.(?:${WEIGHTS})\\.${ending}$`, "i");
const AFTER_WEIGHTS = afterWeights("[^.]+");

/** What a name ends with behind its last dot, each run of digits as one 0, and what else it must be like. */
type Rule = readonly [endings: string, kind: ContainerKind, whole?: RegExp];

/** Names that one program gives, the more telling ones first. */
const RULES: readonly Rule[] = [
  ["incomplete part partial crdownload download !qb !ut", "unfinished", AFTER_WEIGHTS],
  ["aria0", "unfinished", afterWeights("aria2")],
  ["part0of0 part-aa", "unfinished", AFTER_WEIGHTS],
  ["dvc", "dvc", AFTER_WEIGHTS],
  ["gz", "gzip", AFTER_WEIGHTS],
  ["zst", "zstd", AFTER_WEIGHTS],
  ["xz", "xz", AFTER_WEIGHTS],
  ["bz0", "bzip2", afterWeights("bz2")],
  ["0z", "sevenZip", afterWeights("7z")],
  ["lz0", "lz4", afterWeights("lz4")],
  ["zip", "zip", AFTER_WEIGHTS],
  ["rar", "rar", AFTER_WEIGHTS],
  ["tar", "tar", AFTER_WEIGHTS],
  ["age", "age", AFTER_WEIGHTS],
  ["gpg pgp", "gpg", AFTER_WEIGHTS],
  ["enc encrypted", "encrypted", AFTER_WEIGHTS],
  ["pt", "deepSpeed", /(?:^|_)mp_rank_\d+_?(?:model|optim)_states\.|^layer_\d+-model_\d+-model_states\./i],
  ["pt", "megatron", /^(?:model_optim_rng|model_rng|distrib_optim)\./i],
  ["distcp", "distributed"],
  ["ptl", "torchMobile"],
  ["pt0", "torchExport", /\.pt2$/i],
  ["pte", "execuTorch"],
  ["pt pth th", "pytorch"],
  ["bin", "pytorch", /^(?:pytorch_model|adapter_model|diffusion_pytorch_model)\b/i],
  ["pkl pickle joblib", "pickle"],
  ["nemo", "nemo"],
  ["gguf", "gguf"],
  ["ggml ggjt", "ggml"],
  ["bin", "ggml", /^ggml-/i],
  ["llamafile", "llamafile"],
  ["onnx", "onnx"],
  ["onnx_data onnx_data_0", "onnxData"],
  ["data", "onnxData", /\.onnx\.data$/i],
  ["ort", "ort"],
  ["bin xml", "openVino", /^openvino_/i],
  ["engine trt", "tensorRt"],
  ["mlmodel mlpackage mlmodelc", "coreMl"],
  ["tflite", "tfLite"],
  ["litertlm", "liteRtLm"],
  ["mnn", "mnn"],
  ["weight", "mnn", /\.mnn\.weight$/i],
  ["param bin", "ncnn", /\.ncnn\.\w+$/i],
  ["rknn rkllm", "rknn"],
  ["bin", "mlc", /^params_shard_\d+\.bin$/i],
  ["bin group0-shard0of0", "tfJs", /^group\d+-shard\d+of\d+(?:\.bin)?$/i],
  ["pdparams", "paddle"],
  ["pdmodel pdiparams", "paddleInference"],
  ["mindir", "mindIr"],
  ["caffemodel", "caffe"],
  ["pb", "savedModel", /^saved_model\.pb$/i],
  ["data-0-of-0", "tfCheckpoint"],
  ["index meta", "tfCheckpoint", /\.ckpt(?:-\d+)?\.\w+$|^(?:ckpt-\d+|variables)\.index$/i],
  ["h0 hdf0", "hdf5", /\.(?:h5|hdf5)$/i],
  ["keras", "keras"],
  ["msgpack", "flax"],
  ["ocdbt _checkpoint_metadata", "orbax", /^(?:manifest\.ocdbt|_CHECKPOINT_METADATA)$/],
  ["npy", "numpy"],
  ["npz", "numpyArchive"],
];

/** By ending: directories of a hundred thousand files, none of them a model's, are sorted as well. */
const RULES_OF: ReadonlyMap<string, readonly Rule[]> = rulesByEnding();

function rulesByEnding(): Map<string, Rule[]> {
  const found = new Map<string, Rule[]>();
  for (const rule of RULES) {
    for (const ending of rule[0].split(" ")) found.set(ending, [...(found.get(ending) ?? []), rule]);
  }
  return found;
}

/** No ending is longer. */
const MAX_ENDING = 40;

function endingOf(name: string): string {
  const ending = name.slice(name.lastIndexOf(".") + 1);
  if (ending.length > MAX_ENDING) return "";
  // The parts of a file that was split by hand are lettered.
  return ending
    .toLowerCase()
    .replace(/\d+/g, "0")
    .replace(/^part-[a-z]{1,3}$/, "part-aa");
}

/** Names of which several programs make use: weights most often, of a kind that only the content tells. */
const AMBIGUOUS = /\.(?:bin|ckpt)$/i;
/** Not weights, though called as if: arguments and states that trainers leave behind. */
const NOT_WEIGHTS = /^(?:training_args|optimizer|scheduler|scaler|rng_state.*)\./i;
/** Kinds of data in general: a directory is not taken for a model's on account of them. */
const ANY_DATA: ReadonlySet<ContainerKind> = new Set<ContainerKind>(["numpy"]);

/** What lies beside a file of an ambiguous name and tells what it is. */
const COMPANION = /\.(?:xml|param)$|^(?:shared_|source_|target_)?vocabulary\.(?:json|txt)$/i;

/** Whether the name tells something of a file beside it, see `kindByName`. */
export function isCompanion(name: string): boolean {
  return COMPANION.test(name);
}

/** Whether a file of this name is likely to hold weights that are no safetensors. */
export function isForeignWeights(name: string): boolean {
  if (NOT_WEIGHTS.test(name)) return false;
  const kind = kindByName(name);
  return kind === null ? AMBIGUOUS.test(name) : !ANY_DATA.has(kind);
}

const NONE: ReadonlySet<string> = new Set();

/**
 * The kind that a file is by its name, or null when the name says nothing certain.
 *
 * @param name without directories
 * @param companions names of `isCompanion` in the same directory
 */
export function kindByName(name: string, companions: ReadonlySet<string> = NONE): ContainerKind | null {
  const rules = RULES_OF.get(endingOf(name)) ?? [];
  const kind = rules.find(([, , whole]) => whole?.test(name) ?? name.includes("."))?.[1];
  if (kind !== undefined) return kind;
  if (!/\.bin$/i.test(name)) return null;
  const stem = name.slice(0, -".bin".length);
  if (companions.has(`${stem}.xml`)) return "openVino";
  if (companions.has(`${stem}.param`)) return "ncnn";
  const isVocabulary = (other: string) => /vocabulary/i.test(other);
  return name === "model.bin" && [...companions].some(isVocabulary) ? "cTranslate2" : null;
}
