import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { Checkpoint } from "../../../../src/checkpoint/checkpoint.ts";
import { openCheckpoint } from "../../../../src/checkpoint/open-checkpoint.ts";
import { prng } from "../../../../src/numerics/prng.ts";
import { sizeByTrial } from "../../../../src/watermark/carriers/choose-plan.ts";
import { differenceEdits } from "../../../../src/watermark/carriers/difference/difference-edits.ts";
import { halfCarriers, type Steps } from "../../../../src/watermark/carriers/difference/half-carriers.ts";
import { type DifferenceSums, readDifference } from "../../../../src/watermark/carriers/difference/read-difference.ts";
import type { SignFlips } from "../../../../src/watermark/carriers/orientation/flips.ts";
import { readOrientation } from "../../../../src/watermark/carriers/orientation/projections.ts";
import { signCarrier, signSize } from "../../../../src/watermark/carriers/orientation/sign-carrier.ts";
import { spreadMatrices } from "../../../../src/watermark/carriers/spread/matrices.ts";
import type { SpreadPlan } from "../../../../src/watermark/carriers/spread/plan.ts";
import { readSpread } from "../../../../src/watermark/carriers/spread/read.ts";
import { spreadCarrier, spreadSize } from "../../../../src/watermark/carriers/spread/spread-carrier.ts";
import { storedTokens } from "../../../../src/watermark/carriers/tokens/read-tokens.ts";
import { storedTokenCarrier } from "../../../../src/watermark/carriers/tokens/token-carrier.ts";
import { mergeEdits } from "../../../../src/watermark/edit-merge.ts";
import { hostModel } from "../../../../src/watermark/host/host-checkpoint.ts";
import type { TensorEdit } from "../../../../src/watermark/host/tensor-edit.ts";
import type { ModelKey } from "../../../../src/watermark/key/model-key.ts";
import { TRIAL_KEY } from "../../../../src/watermark/message/trial-message.ts";
import { storeModel } from "../../../support/keyed-model.ts";
import type { Model } from "../../../support/random-model.ts";
import { scratchDirectory } from "../../../support/scratch-directory.ts";
import { gaussianLlama } from "../../../support/spread-model.ts";
import { trainedRows } from "../../../support/token-rows.ts";
import { describeCarrier } from "./carrier.contract.ts";

const [ROWS, COLS] = [4096, 256];
const CONFIG = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: COLS,
  num_attention_heads: 4,
  num_key_value_heads: 4,
};
const table = (seed: number) => ({
  shape: [ROWS, COLS],
  dtype: "F32" as const,
  values: trainedRows(seed, ROWS, COLS),
});
const base: Model = new Map([
  ...gaussianLlama(1, { layers: 2, dtype: "F32" }),
  ["model.embed_tokens.weight", table(2)],
  ["lm_head.weight", table(3)],
]);
/** What fine-tuning leaves: forty directions of falling strength, and noise. */
const tuned: Model = new Map(
  [...base].map(([name, tensor]) => {
    const [rows, cols] = tensor.shape as [number, number];
    if (!isOfLayers(name)) return [name, tensor];
    const random = prng(`carrier contract ${name}`);
    const values = tensor.values.map((x) => x + 1e-4 * random.normal());
    for (let k = 0; k < 40; k++) {
      const left = Float32Array.from({ length: rows }, () => random.normal());
      const right = Float32Array.from({ length: cols }, () => (2e-4 * random.normal()) / (1 + k / 8));
      for (let i = 0; i < values.length; i++) values[i]! += left[Math.floor(i / cols)]! * right[i % cols]!;
    }
    return [name, { ...tensor, values }];
  }),
);

const root = scratchDirectory();
let origin: Checkpoint;
let child: Checkpoint;
beforeAll(async () => {
  for (const [name, model] of [
    ["base", base],
    ["tuned", tuned],
  ] as const) {
    storeModel(join(root, name), model, { "config.json": CONFIG });
  }
  [origin, child] = [await openCheckpoint(join(root, "base")), await openCheckpoint(join(root, "tuned"))];
});
afterAll(async () => {
  await origin.close();
  await child.close();
});

function isOfLayers(tensor: string): boolean {
  return /layers\..*_proj\.weight$/.test(tensor);
}
const NOTHING = { flips: new Map(), spread: new Map(), tokens: new Map() };
const host = async () => origin;

const signsOf = async (model: Checkpoint, key: ModelKey) =>
  signCarrier(await readOrientation(hostModel(model), key), key);
describeCarrier<SignFlips>("orientation", {
  rho: 0.02,
  host,
  read: signsOf,
  readForMarking: signsOf,
  size: async (model) => signSize(hostModel(model)),
  edits: async (model, flips) => mergeEdits(model, { ...NOTHING, flips }),
  mayTouch: isOfLayers,
});

describeCarrier<SpreadPlan>("spread", {
  rho: 0.02,
  host,
  read: async (model, key) => spreadCarrier(await readSpread(model, key, { threads: 0 }), key),
  readForMarking: async (model, key) => spreadCarrier(await readSpread(model, key, { threads: 0, marking: true }), key),
  size: async (model) => spreadSize(spreadMatrices(model).reduce((n, { rows, cols }) => n + rows * cols, 0)),
  edits: async (model, { edits }) => mergeEdits(model, { ...NOTHING, spread: edits }),
  mayTouch: isOfLayers,
});

for (const [name, tensor] of [
  ["embedding", "model.embed_tokens.weight"],
  ["head", "lm_head.weight"],
] as const) {
  const read = async (model: Checkpoint, key: ModelKey) =>
    (await storedTokens(model, key)).map(storedTokenCarrier).find((carrier) => carrier.name === name)!;
  describeCarrier<ReadonlyMap<string, TensorEdit>>(name, {
    rho: 0.06,
    host,
    read,
    readForMarking: read,
    size: async (model) => sizeByTrial(await read(model, TRIAL_KEY)),
    edits: async (_, edits) => edits,
    mayTouch: (one) => one === tensor,
  });
}

/** Both halves are read at once: what wrong keys find in the host is read for both. */
const known = new Map<string, Promise<DifferenceSums>>();
for (const [which, name] of (["difference", "subspace"] as const).entries()) {
  const sumsOf = (model: Checkpoint, key: ModelKey, forMarking = true) => {
    if (forMarking || model !== child) return readDifference(model, origin, key, { forMarking });
    const sums = known.get(key.id) ?? readDifference(model, origin, key);
    known.set(key.id, sums);
    return sums;
  };
  describeCarrier<Steps>(name, {
    rho: 0.12,
    host: async () => child,
    read: async (model, key) => halfCarriers(await sumsOf(model, key, false))[which]!,
    readForMarking: async (model, key) => halfCarriers(await sumsOf(model, key))[which]!,
    size: async (model) => sizeByTrial(halfCarriers(await sumsOf(model, TRIAL_KEY))[which]!),
    async edits(model, steps, key) {
      const none = steps.map(() => 0);
      const both = which === 0 ? { full: steps, subspace: none } : { full: none, subspace: steps };
      return differenceEdits(await sumsOf(model, key), both, key);
    },
    mayTouch: isOfLayers,
  });
}
