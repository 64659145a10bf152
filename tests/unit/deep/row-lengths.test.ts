import { expect, test } from "vitest";
import { deepModel } from "../../../src/deep/deep-model.ts";
import { partEvidence } from "../../../src/deep/part-evidence.ts";
import { counterpart, takeDeepPart } from "../../../src/deep/take-part.ts";
import { learnedRetention } from "../../../src/lineage/learned-retention.ts";
import { sliceRetention } from "../../../src/lineage/retention.ts";
import { addNoise } from "../../support/derive.ts";
import { obfuscate } from "../../support/obfuscate.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { checkpointOf } from "../../support/stored-model.ts";

const DIMS = { family: "llama", width: 64, hidden: 160, layers: 3, vocabulary: 320, tied: false } as const;
const SHAPE = { width: 64, hidden: 160, heads: 4, kvHeads: 2, headSize: 16, vocabulary: 320 };

/** What two models seen from the tokens of the first show of each other's training, as wide ones are. */
async function retention(suspect: Model, base: Model, lengths: boolean) {
  const [a, b] = [(await deepModel(await checkpointOf(base)))!, (await deepModel(await checkpointOf(suspect)))!];
  const part = (await takeDeepPart(a, false, undefined, lengths))!;
  const [own, theirs] = (await counterpart(b, part, false, lengths))!;
  const slices = await partEvidence(theirs, own)!.slices();
  return learnedRetention(
    slices.flatMap(({ role, first, second }) => sliceRetention(second, first, { role, layer: 0 }) ?? []),
  )!;
}

test("what neurons grew by is seen from drifted tokens as well, where lengths of rows are known", async () => {
  const base = randomModel({ init: 1 }, DIMS);
  const grown = new Map(
    [...addNoise(base, 0.1)].map(([name, tensor]) => {
      const by = /gate_proj|up_proj/.test(name) ? 1.15 : 1;
      return [name, { ...tensor, values: tensor.values.map((x) => by * x) }];
    }),
  );
  for (const disguise of [{ residual: "rotation" }, { residual: "rotation", neuronScales: true }] as const) {
    const suspect = obfuscate(grown, SHAPE, disguise, 7);
    const known = await retention(suspect, base, true);
    expect(known.forward.share).toBeGreaterThan(1.08);
    expect(known.backward.share).toBeLessThan(0.93);
    const unknown = await retention(suspect, base, false);
    expect(unknown.forward.share).toBeLessThan(1.05);
    expect(unknown.backward.share).toBeGreaterThan(0.93);
  }
});
