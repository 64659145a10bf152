import { memorySource } from "../../../dist/src/bytes/memory-source.js";
import { readCtranslate2File } from "../../../dist/src/checkpoint/ctranslate2/ctranslate2-file.js";
import { DTYPE_BITS } from "../../../dist/src/formats/tensor-info.js";
import { ct2Of } from "../../../tests/support/tar-file.mjs";
import { changedBytes } from "../bytes.mjs";
import { must } from "../invariant.mjs";

const SPECS = ["TransformerSpec", "WhisperSpec", "TransformerDecoderSpec", "OtherSpec"];
const NAMES = [
  "encoder/layer_0/self_attention/linear_0/weight",
  "encoder/layer_0/self_attention/linear_0/weight_scale",
  "decoder/layer_0/self_attention/linear_0/weight",
  "decoder/layer_0/self_attention/linear_1/weight",
  "decoder/layer_0/ffn/linear_0_noact/weight",
  "decoder/layer_00/ffn/linear_0_noact/weight",
  "decoder/embeddings/weight",
  "decoder/embeddings/weight_scale",
  "decoder/embeddings/weight_zero",
  "decoder/projection/bias",
  "__proto__",
];

function file(random) {
  const size = () => (random.chance(0.95) ? random.below(7) : random.pick([2 ** 16, 2 ** 32 - 1]));
  const variables = Array.from({ length: random.below(7) }, () => {
    const shape = Array.from({ length: random.below(4) }, size);
    const elements = shape.reduce((a, b) => a * b, 1);
    const type = random.below(7);
    return { name: random.pick(NAMES), shape, type, ...(elements > 1000 ? { bytes: 8 } : {}) };
  });
  const aliases = random.chance(0.7) ? [] : [[random.pick(NAMES), random.pick(NAMES)]];
  return ct2Of({ version: 2 + random.below(6), spec: random.pick(SPECS), variables, aliases });
}

/** Models of CTranslate2: what is accepted lies within the file, and every value of it can be read. */
export const target = {
  name: "ctranslate2",
  extension: "bin",
  make(random) {
    const whole = file(random);
    return random.chance(0.6) ? whole : changedBytes(random, whole, file(random));
  },
  async check(bytes) {
    const { source, tensors } = await readCtranslate2File(memorySource(bytes, "model.bin"));
    let total = 0;
    for (const { dtype, shape, begin, end } of tensors) {
      must(begin <= end && end <= source.size, "a tensor lies outside of the file");
      const elements = shape.reduce((a, b) => a * b, 1);
      must(elements * DTYPE_BITS[dtype] === 8 * (end - begin), "a tensor is not as long as its shape says");
      total += end - begin;
    }
    must(total <= 4 * bytes.length, "the tensors are far larger than the file");
    for (const { begin, end } of tensors) {
      must((await source.read(begin, end)).length === end - begin, "a tensor cannot be read");
    }
  },
};
