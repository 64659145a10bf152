// A model of Llama's names as a GGUF file that llama.cpp itself loads, to be quantised by it.
import { openCheckpoint } from "../../dist/src/checkpoint/open-checkpoint.js";
import { decodeToF32 } from "../../dist/src/kernels/decode.js";
import { llamaGguf } from "../support/gguf-file.mjs";

/** Mixtures by their numbers in `general.file_type`. */
export const FILE_TYPES = {
  Q4_0: 2,
  Q4_1: 3,
  Q8_0: 7,
  Q5_0: 8,
  Q5_1: 9,
  Q2_K: 10,
  Q3_K_M: 12,
  Q4_K_S: 14,
  Q4_K_M: 15,
  Q5_K_M: 17,
  Q6_K: 18,
  IQ4_NL: 25,
};
/** The tensors of a model on disk, as f32. */
export async function modelOf(path) {
  const checkpoint = await openCheckpoint(path);
  const model = new Map();
  for (const [name, { shape, file, begin, end, dtype }] of checkpoint.tensors) {
    model.set(name, { shape, values: decodeToF32(await checkpoint.files[file].source.read(begin, end), dtype) });
  }
  await checkpoint.close();
  return model;
}

/** A Llama as llama.cpp's converter writes it, with what llama.cpp asks for beside what our reader does. */
export function converted(model, type, heads) {
  const [vocabulary, width] = model.get("model.embed_tokens.weight").shape;
  const [hidden] = model.get("model.layers.0.mlp.up_proj.weight").shape;
  const extra = [
    ["llama.context_length", "u32", 128],
    ["llama.feed_forward_length", "u32", hidden],
    ["llama.attention.layer_norm_rms_epsilon", "f32", 1e-6],
    ["llama.rope.dimension_count", "u32", width / heads.heads],
    ["llama.vocab_size", "u32", vocabulary],
    ["general.file_type", "u32", { F32: 0, F16: 1, BF16: 32 }[type]],
  ];
  return llamaGguf(model, {
    ...heads,
    typeOf: () => type,
    extra,
    tokens: Array.from({ length: vocabulary }, (_, i) => `t${i}`),
  });
}
