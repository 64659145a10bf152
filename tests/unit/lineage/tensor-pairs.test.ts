import { expect, test } from "vitest";
import type { Checkpoint, CheckpointTensor } from "../../../src/checkpoint/checkpoint.ts";
import { tensorPairs } from "../../../src/lineage/image/tensor-pairs.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

function checkpointOf(shapes: Shapes, inOut: readonly string[] = []): Checkpoint {
  const tensors = new Map(
    Object.entries(shapes).map(([name, shape]): [string, Partial<CheckpointTensor>] => {
      return [name, { name, dtype: "F32", shape, ...(inOut.includes(name) ? { inOut: true } : {}) }];
    }),
  );
  return { tensors } as unknown as Checkpoint;
}

const MODEL = { "embed.weight": [50, 8], "0.up.weight": [16, 8], "0.down.weight": [8, 16], "norm.weight": [8] };

function told(image: Shapes, inOut: readonly string[] = []) {
  const { pairs, left } = tensorPairs(checkpointOf(image, inOut), checkpointOf(MODEL));
  return {
    pairs: pairs.map(({ image: { name }, original, turned }) => `${name} ${original.name}${turned ? " turned" : ""}`),
    left: left.map(({ side, tensor: { name } }) => `${side} ${name}`),
  };
}

const OWN = Object.keys(MODEL).map((name) => `${name} ${name}`);

test("constants of torch's exporters are no part of an image, and other vectors are", () => {
  const constants = { "/rotary_emb/Constant_1_output_0": [16], Constant_output_0: [1], val_71: [], "a.inv_freq": [4] };
  expect(told({ ...MODEL, ...constants })).toEqual({ pairs: OWN, left: ["image Constant_output_0"] });
  expect(told({ ...MODEL, "0.gate": [1], val_x: [4] }).left).toEqual(["image 0.gate", "image val_x"]);
});

test("a head that stands there once more is held against the only matrix of its shape", () => {
  expect(told({ ...MODEL, "head.out": [50, 8] })).toEqual({ pairs: [...OWN, "head.out embed.weight"], left: [] });
  const turned = told({ ...MODEL, "head.out": [8, 50] }, ["head.out"]);
  expect(turned).toEqual({ pairs: [...OWN, "head.out embed.weight turned"], left: [] });
  // Of two of a shape nobody can tell which, and what has its only partner in it is no second one.
  expect(told({ ...MODEL, "more.out": [16, 8] }).left).toEqual(["image more.out"]);
  const { "embed.weight": _, ...without } = MODEL;
  expect(told({ ...without, "head.out": [50, 8] }).left).toEqual(["image head.out", "original embed.weight"]);
});
