import { describe, expect, test } from "vitest";
import { addLora, addNoise } from "../../support/derive.ts";
import { type Model, type ModelTensor, randomModel } from "../../support/random-model.ts";
import { judge, subjectOf } from "../../support/stored-model.ts";

const SHAPE = { width: 128, hidden: 352, layers: 4, vocabulary: 256 };
const dense = randomModel({ init: 1 }, SHAPE);
const stranger = randomModel({ init: 2 }, SHAPE);
const tuned = addLora(addNoise(dense, 0.005), 24, 0.02);

/** Four experts where the network was, each of `network`; the rest is of `rest`. */
function upcycled(rest: Model, network: Model): Model {
  const out = new Map<string, ModelTensor>();
  for (const [name, tensor] of rest) {
    const [, layer, part] = /^(.*layers\.\d+)\.mlp\.(gate|up|down)_proj\.weight$/.exec(name) ?? [];
    if (layer === undefined) {
      out.set(name, tensor);
      continue;
    }
    const word = { gate: "w1", up: "w3", down: "w2" }[part as "gate"];
    for (let expert = 0; expert < 4; expert++) {
      out.set(`${layer}.block_sparse_moe.experts.${expert}.${word}.weight`, network.get(name)!);
    }
  }
  return out;
}

describe("a mixture of experts whose attention is a dense model's", () => {
  test.each([
    ["and whose experts are a stranger's", upcycled(dense, stranger)],
    ["tuned, and whose experts are the model's own", upcycled(tuned, dense)],
  ])("%s: shares weights, but neither a parent nor what was done is told", async (_, model) => {
    const mixture = await subjectOf(model, { name: "mixture" });
    const root = await subjectOf(dense, { name: "dense", root: true });
    const found = await judge(mixture, root);
    expect(found).toMatchObject({ verdict: "derived", direction: "not-established", relations: [] });
  });

  test("while the dense model, tuned, is told", async () => {
    const found = await judge(await subjectOf(tuned), await subjectOf(dense, { root: true }));
    expect(found).toMatchObject({ verdict: "derived", direction: "suspect-from-base", relations: ["fine-tune"] });
  });
});
