import { describe, expect, test } from "vitest";
import * as models from "../../support/architectures.ts";
import { censusOf, labelsOf } from "../../support/labels.ts";
import { tableOf } from "../../support/tensor-table.ts";

describe("transformers", () => {
  test("a mixture of experts: the stream, the neurons, and nothing for what reads heads", () => {
    const labels = labelsOf(models.mixtureWithMtp());
    expect(labels["model.embed_tokens.weight"]).toBe("residual");
    expect(labels["lm_head.weight"]).toBe("residual");
    expect(labels["model.layers.0.self_attn.q_proj.weight"]).toBe("residual");
    expect(labels["model.layers.0.self_attn.o_proj.weight"]).toBe("none");
    expect(labels["model.layers.0.mlp.gate.weight"]).toBe("residual");
    expect(labels["model.layers.1.mlp.experts.3.down_proj.weight"]).toBe("neurons");
    // Two streams side by side, of which nothing says where one ends.
    expect(labels["mtp.fc.weight"]).toBe("none");
  });

  test("Whisper: what crosses the towers and what reads sound is not tested", () => {
    const labels = labelsOf(models.whisper());
    for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
      expect(labels[`model.decoder.layers.0.encoder_attn.${name}.weight`]).toBe("none");
    }
    expect(labels["model.encoder.embed_positions.weight"]).toBe("none");
    expect(labels["model.encoder.conv1.weight"]).toBe("none");
    expect(labels["model.encoder.conv2.weight"]).toBe("channels");
  });

  test("poolers and projections read hidden units", () => {
    const labels = labelsOf(
      tableOf(`bert.encoder.layer.0.attention.self.query.weight 16 16
               bert.encoder.layer.0.attention.output.dense.weight 16 16
               bert.encoder.layer.0.intermediate.dense.weight 64 16
               bert.encoder.layer.0.output.dense.weight 16 64
               bert.embeddings.word_embeddings.weight 90 16
               bert.embeddings.position_embeddings.weight 12 16
               bert.embeddings.token_type_embeddings.weight 2 16
               bert.pooler.dense.weight 16 16
               classifier.weight 3 16`),
    );
    expect(labels["bert.pooler.dense.weight"]).toBe("channels");
    expect(labels["classifier.weight"]).toBe("channels");
    expect(labels["bert.embeddings.position_embeddings.weight"]).toBe("none");
    expect(labels["bert.embeddings.token_type_embeddings.weight"]).toBe("none");
  });
});

test("what is numbered below a classifier is one of its layers, and no table of tokens", () => {
  const labels = labelsOf(
    tableOf(`backbone.layers.0.self_attn.q_proj.weight 64 64
             backbone.layers.0.self_attn.k_proj.weight 64 64
             backbone.layers.0.self_attn.v_proj.weight 64 64
             backbone.layers.0.self_attn.o_proj.weight 64 64
             backbone.layers.0.mlp.up_proj.weight 256 64
             backbone.layers.0.mlp.down_proj.weight 64 256
             classifier.0.weight 128 64
             classifier.2.weight 10 128`),
  );
  expect(labels["classifier.0.weight"]).not.toBe("residual");
});

test("a vision transformer's pixels are given, what its classifier reads is not", () => {
  const labels = labelsOf(
    tableOf(`vit.embeddings.patch_embeddings.projection.weight 768 3 16 16
             vit.embeddings.position_embeddings 1 197 768
             vit.encoder.layer.0.attention.attention.query.weight 768 768
             vit.encoder.layer.0.attention.output.dense.weight 768 768
             vit.encoder.layer.0.intermediate.dense.weight 3072 768
             vit.encoder.layer.0.output.dense.weight 768 3072
             vit.pooler.dense.weight 768 768
             classifier.weight 1000 768`),
  );
  expect(labels["vit.embeddings.patch_embeddings.projection.weight"]).toBe("none");
  expect(labels["vit.embeddings.position_embeddings"]).toBe("none");
  expect(labels["vit.pooler.dense.weight"]).toBe("channels");
  expect(labels["classifier.weight"]).toBe("channels");
});

describe("chains of linears", () => {
  test("the first reads what is given", () => {
    expect(labelsOf(models.mlp([784, 512, 256, 10]))).toEqual({
      "net.0.weight": "none",
      "net.2.weight": "channels",
      "net.4.weight": "channels",
    });
  });

  test("that are all square may be lenses on a public model, side by side, whatever their numbers", () => {
    const widths = Array.from({ length: 9 }, () => 64);
    for (const table of [
      models.mlp(widths),
      tableOf([0, 1, 2, 3].map((i) => `translators.${i}.weight 64 64`).join("\n")),
    ]) {
      expect(new Set(Object.values(labelsOf(table)))).toEqual(new Set(["none"]));
    }
    const labels = labelsOf(models.mlp([...widths, 10]));
    expect(Object.keys(labels).filter((name) => labels[name] === "none")).toEqual(["net.0.weight"]);
    expect(labels["net.14.weight"]).toBe("channels");
  });

  test("of an adapter read what a public model gave them, though names call them keys and values", () => {
    const lines = [0, 1, 2, 3].flatMap((i) => [
      `layers.${i}.attn.k_proj.weight 64 64`,
      `layers.${i}.attn.v_proj.weight 64 64`,
    ]);
    expect(new Set(Object.values(labelsOf(tableOf(lines.join("\n")))))).toEqual(new Set(["none"]));
    const own = [
      "model.embed_tokens.weight 900 64",
      ...lines,
      ...[0, 1, 2, 3].map((i) => `layers.${i}.attn.o_proj.weight 64 64`),
    ];
    expect(labelsOf(tableOf(own.join("\n")))["layers.0.attn.k_proj.weight"]).toBe("residual");
  });

  test("an autoencoder's pixels are given although its last matrix writes as many", () => {
    expect(labelsOf(models.mlp([784, 128, 32, 128, 784]))).toEqual({
      "net.0.weight": "none",
      "net.2.weight": "channels",
      "net.4.weight": "channels",
      "net.6.weight": "channels",
    });
    const parts = new Map([...models.mlp([784, 128, 32], "encoder"), ...models.mlp([32, 128, 784], "decoder")]);
    const labels = labelsOf(parts);
    expect(labels["encoder.0.weight"]).toBe("none");
    expect(labels["encoder.2.weight"]).toBe("channels");
  });

  test("blocks that add to raw features read raw features", () => {
    const lines = [0, 1, 2].flatMap((i) => [`stacks.${i}.theta.weight 60 256`, `stacks.${i}.read.weight 256 60`]);
    const labels = labelsOf(tableOf(lines.join("\n")));
    for (const [name, label] of Object.entries(labels)) {
      if (name.endsWith("read.weight")) expect(label, name).toBe("none");
    }
  });

  test("probes beside a module in every layer read what the module reads", () => {
    const layers = (...more: string[]): string =>
      [0, 1, 2]
        .flatMap((i) => [
          `layers.${i}.enc.weight 256 96`,
          `layers.${i}.dec.weight 96 256`,
          ...more.map((m) => `layers.${i}.${m}`),
        ])
        .join("\n");
    const labels = labelsOf(tableOf(layers("intent.weight 50 96", "slot.weight 40 96")));
    for (const [name, label] of Object.entries(labels)) {
      if (/intent|slot/.test(name)) expect(label, name).toBe("none");
    }
  });

  test("heads side by side are presumed to read what another matrix writes as wide", () => {
    const heads = ["intent.weight 50 128", "slot.weight 41 128", "topic.weight 20 128"];
    for (const name of ["a_projector", "projector", "z_projector"]) {
      const labels = labelsOf(tableOf([`${name}.weight 128 40`, ...heads].join("\n")));
      for (const head of ["intent", "slot", "topic"]) expect(labels[`${head}.weight`], name).toMatch(/none|channels\?/);
    }
    const beside = [
      "mm_projector.0.weight 128 40",
      "mm_projector.2.weight 128 128",
      "down.weight 16 128",
      "up.weight 128 16",
    ];
    const labels = labelsOf(tableOf([...beside, ...heads].join("\n")));
    expect(labels["slot.weight"]).toBe("channels?");
    expect(labels["mm_projector.2.weight"]).toBe("channels");
  });

  test("classes may be as many as the hidden units of a projector, which reads its own", () => {
    const parts = ["projector.0 64 40", "projector.2 128 64", "intent 64 128", "slot 64 128"];
    const labels = labelsOf(tableOf(parts.map((part) => part.replace(" ", ".weight ")).join("\n")));
    expect(labels).toEqual({
      "projector.0.weight": "none",
      "projector.2.weight": "channels",
      "intent.weight": "channels?",
      "slot.weight": "channels?",
    });
  });

  test("the heads of a recurrent net are presumed to read its state", () => {
    const cell = ["rnn.weight_ih_l0 512 40", "rnn.weight_hh_l0 512 128"];
    const labels = labelsOf(tableOf([...cell, "mean.weight 6 128", "log_std.weight 6 128"].join("\n")));
    expect(labels["rnn.weight_hh_l0"]).toBe("channels");
    expect(labels["mean.weight"]).toBe("channels?");
  });

  test("linears that lead around between several widths, in no order of a chain, may be maps of public streams", () => {
    const maps = (...ways: string[]): Record<string, string> => {
      const widths: Record<string, number> = { a: 128, b: 256, c: 192 };
      const line = ([from, to]: string, i: number): string => `maps.m${i}.weight ${widths[to!]} ${widths[from!]}`;
      return labelsOf(tableOf(ways.map(line).join("\n")));
    };
    for (const ways of [
      ["ab", "ac", "ba", "bc", "ca", "cb"],
      ["ab", "ba", "bc", "cb"],
    ]) {
      for (const label of Object.values(maps(...ways))) expect(label).toMatch(/none|channels\?/);
    }
    // An autoencoder of two hidden layers leads back one by one.
    expect(Object.values(maps("ab", "bc", "cb", "ba"))).not.toContain("channels?");
  });

  test("what another part reads is no head, nor is a single one", () => {
    const parts = [
      "encoder.fc1 400 784",
      "encoder.fc_mu 20 400",
      "encoder.fc_logvar 20 400",
      "decoder.fc1 400 20",
      "decoder.fc2 784 400",
    ];
    const labels = labelsOf(tableOf(parts.map((part) => part.replace(" ", ".weight ")).join("\n")));
    expect(labels["encoder.fc_mu.weight"]).toBe("channels");
    expect(labels["encoder.fc_logvar.weight"]).toBe("channels");
    expect(labels["decoder.fc2.weight"]).toBe("channels");
  });

  test("a square linear lies as its neighbours do, of which biases tell it", () => {
    const labels = (...lines: string[]) => labelsOf(tableOf(lines.join("\n")));
    const turned = [
      "fc1.weight 64 128",
      "fc1.bias 128",
      "fc2.weight 128 128",
      "fc2.bias 128",
      "fc3.weight 128 10",
      "fc3.bias 10",
    ];
    expect(labels(...turned)).toEqual({ "fc1.weight": "none", "fc2.weight": "channels", "fc3.weight": "channels" });
  });

  test("a lone matrix says nothing of what it reads", () => {
    expect(labelsOf(tableOf("probe.weight 10 768"))).toEqual({ "probe.weight": "none" });
  });

  test("gated units write twice what the next one reads", () => {
    const labels = labelsOf(
      tableOf(`net.0.weight 64 20
               net.1.weight 256 64
               net.2.weight 64 128
               net.3.weight 5 64`),
    );
    expect(labels["net.2.weight"]).toBe("channels");
  });

  test("flattened maps have places among their labels", () => {
    expect(labelsOf(models.vgg16())["classifier.0.weight"]).toBe("none");
    expect(labelsOf(models.vgg16())["classifier.6.weight"]).toBe("channels");
  });
});

describe("positions", () => {
  test.each([8, 192])("a time mixer of %i patches: what reads them is not tested, its hidden units are", (patches) => {
    const labels = labelsOf(models.timeMixer(patches));
    for (let layer = 0; layer < 3; layer++) {
      const at = `backbone.encoder.mlp_mixer_encoder.mixers.${layer}`;
      expect(labels[`${at}.patch_mixer.mlp.fc1.weight`]).toBe("none");
      expect(labels[`${at}.patch_mixer.gating_block.attn_layer.weight`]).toBe("none");
      expect(labels[`${at}.patch_mixer.mlp.fc2.weight`]).toBe("channels");
      expect(labels[`${at}.feature_mixer.mlp.fc2.weight`]).toBe("channels");
      expect(labels[`${at}.feature_mixer.mlp.fc1.weight`]).toBe("channels");
    }
    expect(labels["backbone.encoder.patcher.weight"]).toBe("none");
    expect(labels["head.base_forecast_block.weight"]).toBe("none");
  });

  test("an MLP-Mixer", () => {
    const lines = [0, 1].flatMap((layer) => [
      `blocks.${layer}.norm1.weight 512`,
      `blocks.${layer}.mlp_tokens.fc1.weight 256 196`,
      `blocks.${layer}.mlp_tokens.fc2.weight 196 256`,
      `blocks.${layer}.norm2.weight 512`,
      `blocks.${layer}.mlp_channels.fc1.weight 2048 512`,
      `blocks.${layer}.mlp_channels.fc2.weight 512 2048`,
    ]);
    const labels = labelsOf(tableOf(["stem.proj.weight 512 3 16 16", ...lines].join("\n")));
    expect(labels["blocks.0.mlp_tokens.fc1.weight"]).toBe("none");
    // Nothing tells which way it is stored.
    expect(labels["blocks.1.mlp_tokens.fc2.weight"]).toBe("channels?");
    expect(labels["blocks.1.mlp_channels.fc1.weight"]).toBe("residual");
    expect(labels["blocks.1.mlp_channels.fc2.weight"]).toBe("neurons");
  });

  test("without a word for them they show by having nothing to do with the stream", () => {
    const lines = [0, 1].flatMap((layer) => [
      `blocks.${layer}.one.a.weight 256 196`,
      `blocks.${layer}.one.b.weight 196 256`,
      `blocks.${layer}.two.a.weight 2048 512`,
      `blocks.${layer}.two.b.weight 512 2048`,
      `blocks.${layer}.two.c.weight 512 512`,
    ]);
    const labels = labelsOf(tableOf(["stem.conv.weight 512 3 7 7", ...lines].join("\n")));
    expect(labels["blocks.1.one.a.weight"]).toBe("none");
    expect(labels["blocks.1.two.a.weight"]).toBe("channels");
  });

  test("a time step's sines are given", () => {
    const labels = labelsOf(models.diffusionUnet());
    expect(labels["time_embedding.linear_1.weight"]).toBe("none");
    expect(labels["down_blocks.1.resnets.0.time_emb_proj.weight"]).toMatch(/^channels/);
  });
});

describe("parts side by side", () => {
  test("DenseNet: runs that all outputs are made of", () => {
    expect(censusOf(models.densenet121())).toEqual({ channels: 1, "channels/32": 61, "channels/32?": 58, none: 1 });
  });

  test("a U-Net's skips", () => {
    const labels = labelsOf(models.diffusionUnet());
    expect(labels["up_blocks.1.resnets.2.conv1.weight"]).toBe("channels/320");
    expect(labels["down_blocks.1.resnets.1.conv1.weight"]).toBe("channels");
    expect(labels["up_blocks.0.resnets.0.conv2.weight"]).toBe("channels/320");
    // The text that conditions it comes from another model.
    expect(labels["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"]).toBe("none");
  });

  test("a model's input is no sum of what it writes", () => {
    const lines = [0, 1, 2].flatMap((i) => [
      `blocks.${i}.conv1.weight 32 ${i === 0 ? 80 : 16} 3 3`,
      `blocks.${i}.conv2.weight 16 32 3 3`,
    ]);
    const labels = labelsOf(tableOf(lines.join("\n")));
    expect(labels["blocks.0.conv1.weight"]).toBe("none");
    expect(labels["blocks.2.conv1.weight"]).toBe("channels");
  });

  test("parts without a common divisor tell nothing", () => {
    const lines = ["a0 64 3 3 3", "b1 33 64 3 3", "b2 64 97 3 3", "b3 64 64 3 3"].map((line) => `net.conv${line}`);
    const labels = labelsOf(tableOf(lines.join("\n")));
    expect(labels["net.convb2"]).toBe("none");
    expect(labels["net.convb3"]).toBe("none");
  });
});
