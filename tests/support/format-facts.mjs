/**
 * What is known of every way to store weights that is read, each fact by a test: the tables of docs/formats.md and README.md are
 * generated from it (scripts/build-formats.mjs). `proves` is what tests/unit/formats/format-facts.slow.test.ts shows of a file
 * that format-images.ts writes; what stands there without one is held against the library that defines it by `peer` alone, a file of
 * tests/interop which has `of` in it. `suite` is what such a file shows beside that.
 */

/** The facts, in the order of the tables. */
export const FACTS = /** @type {const} */ ({
  read: "values",
  fingerprint: "fingerprint",
  ranges: "by ranges",
  scan: "scan",
  mark: "marks",
  image: "image",
});

const READ = ["read", "fingerprint", "ranges", "scan"];
const MARKED = [...READ, "mark"];
const ALL = [...MARKED, "image"];
/** Where config.json settles what tensors leave open: an address names a file alone, and a scan asks no configuration. */
const IN_FOLDER = ALL.filter((fact) => fact !== "ranges" && fact !== "scan");

const [GGML, QUANTISED, ONNX, ARRAYS, IMAGES] = ["ggml", "quantised", "onnx", "arrays", "images"].map(
  (name) => `tests/interop/${name}.mjs`,
);

const row = (container, scheme, proves, more = {}) => ({ container, scheme, proves, error: 0, ...more });
/** A type of ggml; `error` is how far its values lie from what was rounded, of their size. */
const gguf = (scheme, proves, error = 0, more = {}) => row("GGUF", scheme, proves, { peer: GGML, error, ...more });
/** Known by what the library gives out alone. */
const peerOnly = (scheme, of, more = {}) => row("safetensors", scheme, ["read"], { peer: QUANTISED, of, ...more });
/** What images.mjs shows of an image that the scheme's own tool made, by a text that the suite has. */
const shown = (of) => ({ suite: { facts: ["fingerprint", "image"], files: IMAGE_FILES, of } });
const IMAGE_FILES = ["images.mjs", "images.py", "llama-model.mjs"].map((name) => `tests/interop/${name}`);

export const FORMATS = [
  row("safetensors", "F64", MARKED),
  row("safetensors", "F32", MARKED),
  row("safetensors", "F16", MARKED, { error: 1e-3 }),
  row("safetensors", "BF16", MARKED, { error: 5e-3 }),
  row("safetensors", "GPTQ, 2 bits", ALL, { error: 0.9, peer: QUANTISED }),
  row("safetensors", "GPTQ, 3 bits", ALL, { error: 0.4, peer: QUANTISED }),
  row("safetensors", "GPTQ, 4 bits", ALL, { error: 0.2, peer: QUANTISED }),
  row("safetensors", "GPTQ, 8 bits", ALL, { error: 0.02, peer: QUANTISED }),
  row("safetensors", "GPTQ, 4 bits, act order", ALL, { error: 0.2, peer: QUANTISED }),
  row("safetensors", "AWQ, 4 bits", ALL, { error: 0.2, peer: QUANTISED }),
  row("safetensors", "bitsandbytes NF4", ALL, { error: 0.15, peer: IMAGES }),
  row("safetensors", "bitsandbytes int8", ALL, { error: 0.02, peer: IMAGES }),
  peerOnly("bitsandbytes FP4, nested scales", "def bitsandbytes", shown('["nf4", "fp4"]')),
  row("safetensors", "compressed-tensors packed, 4 bits", ALL, { error: 0.2, peer: IMAGES }),
  peerOnly("compressed-tensors int8, FP8", "def compressed_tensors", shown("compressed-tensors-fp8-channel")),
  peerOnly("compressed-tensors NVFP4, MXFP4, MXFP8", "def compressed_tensors"),
  row("safetensors", "FP8, blocks of 128 x 128", ALL, { error: 0.05, peer: IMAGES }),
  row("safetensors", "MXFP4", ALL, { error: 0.3, peer: QUANTISED }),
  row("safetensors", "MLX, 4 bits", IN_FOLDER, { error: 0.2, peer: QUANTISED }),
  row(
    "safetensors",
    "MLX, 8 bits",
    ALL.filter((fact) => fact !== "ranges"),
    { error: 0.02, peer: QUANTISED },
  ),
  peerOnly("MLX, 2, 3, 5 and 6 bits", "def mlx"),
  peerOnly("HQQ, 4 bits", "def hqq", shown("hqq-4")),
  peerOnly("HQQ, 1, 2, 3 and 8 bits", "def hqq"),
  peerOnly("quanto, 8 bits", "def quanto"),
  peerOnly("torchao, 8 bits", "def torchao", shown("torchao-{name}")),
  gguf("F32", MARKED),
  gguf("F16", MARKED, 1e-3),
  gguf("BF16", MARKED, 5e-3),
  gguf("Q4_0", ALL, 0.15),
  gguf("Q8_0", ALL, 0.01),
  gguf("Q4_K", ALL, 0.15),
  gguf("Q6_K", ALL, 0.05),
  ...["Q4_1", "Q5_0", "Q5_1", "Q2_K", "IQ4_NL"].map((type) => gguf(type, READ, 0, shown(`${type}: `))),
  ...["Q3_K", "Q5_K"].map((type) => gguf(type, READ, 0, shown(`${type}_M: `))),
  ...["MXFP4", "Q8_K", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_XS"].map((type) =>
    gguf(type, READ),
  ),
  ...["TQ1_0", "TQ2_0", "NVFP4"].map((type) => gguf(type, READ)),
  row("PyTorch", "zip (1.6 and later)", MARKED, { peer: ARRAYS }),
  row("PyTorch", "legacy", MARKED, { peer: ARRAYS }),
  row("ONNX", "float32", MARKED, { peer: ONNX }),
  row("ONNX", "int8 by onnxruntime", ALL, { error: 0.02, peer: ONNX }),
  row("NumPy", ".npz", MARKED, { peer: ARRAYS }),
  row("CTranslate2", "float32", MARKED, { peer: "tests/interop/ctranslate2.mjs" }),
  row("CTranslate2", "int8", MARKED, { error: 0.02, peer: "tests/interop/ctranslate2.mjs" }),
  row("zip, wheel", "stored", MARKED),
  row("tar", "as it is", MARKED),
  row("tar", "gzip", ["read", "fingerprint", "mark"]),
  row("parts", ".part-aa, .part-ab", ["read", "fingerprint", "scan", "mark"]),
  row("adapter + base", "peft LoRA", ["read", "fingerprint", "scan", "mark"], {
    error: 1,
    peer: "tests/interop/adapters.mjs",
  }),
];
