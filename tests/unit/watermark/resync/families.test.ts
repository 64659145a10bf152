import { expect, test } from "vitest";
import { addressOf } from "../../../../src/rows/addressed-matrix.ts";
import { hostModel } from "../../../../src/watermark/host/host-checkpoint.ts";
import { align, CONFIG, SHAPE, sketchOf } from "../../../support/alignment.ts";
import { type Model, type ModelShape, randomModel } from "../../../support/random-model.ts";
import { checkpointOf } from "../../../support/stored-model.ts";

const GPT = { n_head: SHAPE.heads, n_embd: SHAPE.width };

const READERS = /(?:up_proj|gate_proj|w1|w3|dense_h_to_4h|fc1|c_fc)\.weight$/;
const WRITERS = /(?:down_proj|w2|dense_4h_to_h|fc2|mlp\.c_proj)\.weight$/;

/** Neurons in the opposite order; a fused gate and up each in its half. */
function reverseNeurons(model: Model): Model {
  return new Map(
    [...model].map(([name, tensor]) => {
      const [rows, cols] = tensor.shape as [number, number];
      if (!READERS.test(name) && !WRITERS.test(name)) return [name, tensor];
      // GPT-2 stores [in, out].
      const byRows = READERS.test(name) !== /c_fc|c_proj/.test(name);
      const half = name.includes("gate_up") ? rows / 2 : rows;
      const values = tensor.values.map((_, at) => {
        const [i, j] = [Math.floor(at / cols), at % cols];
        const row = Math.floor(i / half) * half + half - 1 - (i % half);
        return tensor.values[byRows ? row * cols + j : i * cols + cols - 1 - j]!;
      });
      return [name, { ...tensor, values }];
    }),
  );
}

test.each([
  ["gpt2", { ...GPT, model_type: "gpt2" }],
  ["neox", { ...CONFIG, model_type: "gpt_neox", num_key_value_heads: SHAPE.heads }],
  ["phi3", { ...CONFIG, model_type: "phi3" }],
  ["mixtral", { ...CONFIG, model_type: "mixtral" }],
  ["llava", { text_config: CONFIG, model_type: "llava" }],
] as const)("%s: neurons in another order, without a config", async (family: ModelShape["family"], config) => {
  const { width, hidden, vocabulary } = SHAPE;
  const model = randomModel({ init: 3 }, { family, width, hidden, vocabulary, layers: 2 });
  const sketch = await sketchOf(model, config);
  expect(sketch.heads).toMatchObject({ heads: SHAPE.heads, headSize: SHAPE.headSize });
  const { host } = await align(reverseNeurons(model), sketch);
  const found = new Map(host.matrices.map((matrix) => [addressOf(matrix), matrix]));
  const wanted = hostModel(await checkpointOf(model, { config })).matrices.filter(({ layer }) => layer >= 0);
  expect(found.size).toBe(wanted.length);
  for (const matrix of wanted) {
    const other = found.get(addressOf(matrix))!;
    const [got, meant] = [await other.read(0, other.rows), await matrix.read(0, matrix.rows)];
    expect(
      got.findIndex((x, i) => x !== meant[i]),
      addressOf(matrix),
    ).toBe(-1);
  }
});
