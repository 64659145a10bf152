import { describe, expect, test } from "vitest";
import type { CanonicalTensor } from "../../../src/anatomy/anatomy.ts";
import { kernelOf } from "../../../src/anatomy/convolution.ts";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import * as models from "../../support/architectures.ts";
import { censusOf, labelsOf } from "../../support/labels.ts";
import { elementsOf } from "../../support/layout-fixture.ts";
import { tableOf } from "../../support/tensor-table.ts";

describe("what is a kernel", () => {
  test.each([
    ["conv1.weight", [64, 3, 7, 7], "64 <- 3 x49 outputs-first"],
    ["block.conv.weight", [512, 256, 1, 7], "512 <- 256 x7 outputs-first"],
    ["conv3d.weight", [64, 32, 3, 3, 3], "64 <- 32 x27 outputs-first"],
    ["mixer.conv1d.weight", [1536, 1, 4], "1536 <- 1 x4 outputs-first"],
    ["tdnn.0.weight", [512, 80, 5], "512 <- 80 x5 outputs-first"],
    ["up1.deconv.weight", [128, 64, 4, 4], "64 <- 128 x16 inputs-first"],
    ["Conv_0.kernel", [3, 3, 64, 128], "128 <- 64 x9 outputs-last"],
    ["conv2d/kernel:0", [7, 7, 3, 64], "64 <- 3 x49 outputs-last"],
    ["depthwise_conv2d/depthwise_kernel:0", [3, 3, 256, 1], "256 <- 1 x9 outputs-last"],
    ["conv_0.kernel", [5, 80, 512], "512 <- 80 x5 outputs-last"],
  ])("%s", (name, shape, expected) => {
    const kernel = kernelOf(shape, name)!;
    expect(`${kernel.outputs} <- ${kernel.inputs} x${kernel.size} ${kernel.layout}`).toBe(expected);
  });

  test.each([
    ["linear.weight", [512, 256]],
    ["h.0.mlp.c_fc.w", [1, 768, 3072]],
    ["experts.down", [8, 64, 16]],
    ["pos_embed", [1, 197, 768]],
    ["relative", [32, 64, 48, 48]],
    ["empty.conv", [0, 3, 3, 3]],
  ])("%s is none", (name, shape) => {
    expect(kernelOf(shape, name)).toBeNull();
  });
});

/** Elements of the only matrix when each stored one is its own index. */
function viewOf(name: string, shape: readonly number[], filler = ""): { view: CanonicalTensor; elements: number[] } {
  const table = tableOf(`${name} ${shape.join(" ")}\n${filler}`.trim());
  const view = describeAnatomy(table, null).matrices.find(({ tensor }) => tensor === name)!;
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    view,
    elements: [
      ...elementsOf(
        view,
        Float64Array.from({ length: size }, (_, i) => i),
      ),
    ],
  };
}

describe("the matrix of a kernel", () => {
  const at = (shape: readonly number[], index: readonly number[]): number =>
    index.reduce((sum, i, axis) => sum * shape[axis]! + i, 0);

  test.each([
    ["conv.weight", [10, 9, 2, 3], (o: number, i: number, y: number, x: number) => [o, i, y, x]],
    ["up.deconv.weight", [9, 10, 2, 3], (o: number, i: number, y: number, x: number) => [i, o, y, x]],
    ["conv.kernel", [2, 2, 9, 10], (o: number, i: number, y: number, x: number) => [y, x, i, o]],
  ] as const)("has a column per input channel: %s", (name, shape, index) => {
    const { view, elements } = viewOf(name, shape);
    const [height, width] = name.endsWith("kernel") ? [2, 2] : [2, 3];
    expect([view.role, view.rows, view.cols]).toEqual(["conv", 10 * height * width, 9]);
    const wanted: number[] = [];
    for (let o = 0; o < 10; o++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) for (let i = 0; i < 9; i++) wanted.push(at(shape, index(o, i, y, x)));
    expect(elements).toEqual(wanted);
  });

  test.each([
    ["conv.weight", [10, 3, 2, 3], 6 * 3, (r: number, o: number) => o * 18 + r],
    ["conv_dw.weight", [10, 1, 3, 3], 9, (r: number, o: number) => o * 9 + r],
    ["conv.kernel", [3, 3, 3, 40], 27, (r: number, o: number) => r * 40 + o],
  ] as const)(
    "has a column per output channel where an image or one channel is read: %s",
    (name, shape, rows, offset) => {
      const { view, elements } = viewOf(name, shape);
      expect([view.role, view.rows]).toEqual(["conv", rows]);
      expect(elements).toEqual(
        Array.from({ length: rows * view.cols }, (_, k) => offset(Math.floor(k / view.cols), k % view.cols)),
      );
    },
  );

  test("patch kernels of vision transformers keep a row per channel", () => {
    const { view } = viewOf("vision_model.embeddings.patch_embedding.weight", [64, 3, 14, 14]);
    expect([view.role, view.rows, view.cols, view.axis]).toEqual(["patch", 64, 588, null]);
  });

  test("a kernel of a single row is no matrix", () => {
    const { matrices, others } = describeAnatomy(tableOf("conv.weight 64 1 1 1\nlast.weight 1 64 1 1"), null);
    expect(matrices).toEqual([]);
    expect(others.length).toBe(2);
  });
});

describe("labels", () => {
  test("ResNet-50: every channel is one", () => {
    expect(censusOf(models.resnet50())).toEqual({ channels: 54 });
    expect(describeAnatomy(models.resnet50(), null).family).toBe("convolutional");
  });

  test("ResNeXt: groups", () => {
    const labels = labelsOf(models.resnext50());
    expect(labels["layer1.0.conv2.weight"]).toBe("channels/4");
    expect(labels["layer3.1.conv2.weight"]).toBe("channels");
    expect(labels["layer3.1.conv3.weight"]).toBe("channels");
  });

  test("MobileNetV2: depthwise kernels have the channels they pass", () => {
    expect(censusOf(models.mobilenetV2())).toEqual({ channels: 53 });
    const depthwise = describeAnatomy(models.mobilenetV2(), null).matrices.find(
      ({ tensor }) => tensor === "features.2.conv.1.0.weight",
    )!;
    expect([depthwise.rows, depthwise.cols]).toEqual([9, 96]);
  });

  test("VGG, without layers", () => {
    const labels = labelsOf(models.vgg16());
    expect(labels["features.0.weight"]).toBe("channels");
    expect(labels["features.28.weight"]).toBe("channels");
  });

  test("ConvNeXt: a stream and neurons per stage", () => {
    const labels = labelsOf(models.convnext());
    expect(labels["stem.0.weight"]).toBe("channels");
    expect(labels["stages.2.blocks.8.conv_dw.weight"]).toBe("channels");
    expect(labels["stages.2.blocks.8.mlp.fc1.weight"]).toBe("residual");
    expect(labels["stages.2.blocks.8.mlp.fc2.weight"]).toBe("neurons");
    expect(labels["stages.3.downsample.1.weight"]).toBe("channels");
    expect(labels["head.fc.weight"]).toBe("channels");
  });

  test("a latent's channels are given, the channels that it becomes are alike in groups", () => {
    const labels = labelsOf(models.diffusionUnet());
    expect(labels["conv_in.weight"]).toBe("channels/4");
    expect(labels["conv_out.weight"]).toBe("channels");
  });

  test("a kernel whose channels nobody reads tells nothing", () => {
    expect(labelsOf(tableOf("conv.weight 40 3 3 3"))).toEqual({ "conv.weight": "none" });
  });
});

test("linears that are kernels of one place are convolutions, and no stacks of experts", () => {
  const lines = Array.from(
    { length: 3 },
    (_, n) => `encoder.layers.${n}.attention.query.weight 128 32 1
                                                      encoder.layers.${n}.post_attention.conv1d.weight 128 128 1
                                                      encoder.layers.${n}.intermediate.conv1d.weight 512 32 1
                                                      encoder.layers.${n}.output.conv1d.weight 128 128 1`,
  );
  const table = tableOf(["embeddings.word_embeddings.weight 400 128", ...lines].join("\n"));
  const { matrices } = describeAnatomy(table, null);
  const kernels = matrices.filter(({ layer }) => layer >= 0);
  expect(kernels.map(({ role, expert, axis }) => `${role} ${expert} ${axis}`)).toEqual(
    Array.from({ length: 12 }, () => "conv -1 channels"),
  );
});
