import type { TensorTable } from "../../src/anatomy/anatomy.ts";

type Shapes = Record<string, readonly number[]>;

function tableOf(shapes: Shapes): TensorTable {
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, { name, dtype: "F32" as const, shape }]));
}

/** A batch norm as torch stores it. */
function norm(name: string, width: number): Shapes {
  return {
    [`${name}.weight`]: [width],
    [`${name}.bias`]: [width],
    [`${name}.running_mean`]: [width],
    [`${name}.running_var`]: [width],
  };
}

export function resnet50(): TensorTable {
  const shapes: Shapes = { "conv1.weight": [64, 3, 7, 7], ...norm("bn1", 64) };
  let inputs = 64;
  [3, 4, 6, 3].forEach((blocks, stage) => {
    const width = 64 << stage;
    for (let block = 0; block < blocks; block++) {
      const at = `layer${stage + 1}.${block}`;
      shapes[`${at}.conv1.weight`] = [width, inputs, 1, 1];
      shapes[`${at}.conv2.weight`] = [width, width, 3, 3];
      shapes[`${at}.conv3.weight`] = [4 * width, width, 1, 1];
      for (let i = 1; i <= 3; i++) Object.assign(shapes, norm(`${at}.bn${i}`, i === 3 ? 4 * width : width));
      if (block === 0) shapes[`${at}.downsample.0.weight`] = [4 * width, inputs, 1, 1];
      inputs = 4 * width;
    }
  });
  shapes["fc.weight"] = [1000, 2048];
  shapes["fc.bias"] = [1000];
  return tableOf(shapes);
}

/** ResNeXt-50 32x4d: the second convolution of a block has 32 groups. */
export function resnext50(): TensorTable {
  const shapes: Shapes = { "conv1.weight": [64, 3, 7, 7] };
  let inputs = 64;
  [3, 4, 6, 3].forEach((blocks, stage) => {
    const width = 128 << stage;
    for (let block = 0; block < blocks; block++) {
      const at = `layer${stage + 1}.${block}`;
      shapes[`${at}.conv1.weight`] = [width, inputs, 1, 1];
      shapes[`${at}.conv2.weight`] = [width, width / 32, 3, 3];
      shapes[`${at}.conv3.weight`] = [2 * width, width, 1, 1];
      if (block === 0) shapes[`${at}.downsample.0.weight`] = [2 * width, inputs, 1, 1];
      inputs = 2 * width;
    }
  });
  shapes["fc.weight"] = [1000, 2048];
  return tableOf(shapes);
}

export function densenet121(): TensorTable {
  const shapes: Shapes = { "features.conv0.weight": [64, 3, 7, 7], ...norm("features.norm0", 64) };
  let width = 64;
  [6, 12, 24, 16].forEach((layers, block) => {
    for (let layer = 1; layer <= layers; layer++) {
      const at = `features.denseblock${block + 1}.denselayer${layer}`;
      Object.assign(shapes, norm(`${at}.norm1`, width), norm(`${at}.norm2`, 128));
      shapes[`${at}.conv1.weight`] = [128, width, 1, 1];
      shapes[`${at}.conv2.weight`] = [32, 128, 3, 3];
      width += 32;
    }
    if (block === 3) return;
    Object.assign(shapes, norm(`features.transition${block + 1}.norm`, width));
    shapes[`features.transition${block + 1}.conv.weight`] = [width / 2, width, 1, 1];
    width /= 2;
  });
  Object.assign(shapes, norm("features.norm5", 1024));
  shapes["classifier.weight"] = [1000, 1024];
  return tableOf(shapes);
}

export function mobilenetV2(): TensorTable {
  const shapes: Shapes = { "features.0.0.weight": [32, 3, 3, 3], ...norm("features.0.1", 32) };
  const settings = [
    [1, 16, 1],
    [6, 24, 2],
    [6, 32, 3],
    [6, 64, 4],
    [6, 96, 3],
    [6, 160, 3],
    [6, 320, 1],
  ] as const;
  let inputs = 32;
  let index = 1;
  for (const [expansion, outputs, repeats] of settings) {
    for (let i = 0; i < repeats; i++, index++) {
      const hidden = inputs * expansion;
      const at = `features.${index}.conv`;
      const first = expansion === 1 ? 0 : 1;
      if (expansion > 1) shapes[`${at}.0.0.weight`] = [hidden, inputs, 1, 1];
      shapes[`${at}.${first}.0.weight`] = [hidden, 1, 3, 3];
      shapes[`${at}.${first + 1}.weight`] = [outputs, hidden, 1, 1];
      Object.assign(shapes, norm(`${at}.${first + 2}`, outputs));
      inputs = outputs;
    }
  }
  shapes["features.18.0.weight"] = [1280, 320, 1, 1];
  shapes["classifier.1.weight"] = [1000, 1280];
  shapes["classifier.1.bias"] = [1000];
  return tableOf(shapes);
}

export function vgg16(): TensorTable {
  const shapes: Shapes = {};
  const widths = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512];
  const places = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
  widths.forEach((width, i) => {
    shapes[`features.${places[i]}.weight`] = [width, widths[i - 1] ?? 3, 3, 3];
    shapes[`features.${places[i]}.bias`] = [width];
  });
  shapes["classifier.0.weight"] = [4096, 25088];
  shapes["classifier.3.weight"] = [4096, 4096];
  shapes["classifier.6.weight"] = [1000, 4096];
  return tableOf(shapes);
}

/** Stable Diffusion 1.5's U-Net with one resnet and one transformer block a level. */
export function diffusionUnet(): TensorTable {
  const shapes: Shapes = {
    "conv_in.weight": [320, 4, 3, 3],
    "time_embedding.linear_1.weight": [1280, 320],
    "time_embedding.linear_2.weight": [1280, 1280],
    "conv_norm_out.weight": [320],
    "conv_out.weight": [4, 320, 3, 3],
  };
  const resnet = (at: string, inputs: number, outputs: number) => {
    shapes[`${at}.norm1.weight`] = [inputs];
    shapes[`${at}.conv1.weight`] = [outputs, inputs, 3, 3];
    shapes[`${at}.time_emb_proj.weight`] = [outputs, 1280];
    shapes[`${at}.conv2.weight`] = [outputs, outputs, 3, 3];
    if (inputs !== outputs) shapes[`${at}.conv_shortcut.weight`] = [outputs, inputs, 1, 1];
  };
  const attention = (at: string, width: number) => {
    shapes[`${at}.proj_in.weight`] = [width, width, 1, 1];
    const block = `${at}.transformer_blocks.0`;
    for (const [one, context] of [
      ["attn1", width],
      ["attn2", 768],
    ] as const) {
      shapes[`${block}.${one}.to_q.weight`] = [width, width];
      shapes[`${block}.${one}.to_k.weight`] = [width, context];
      shapes[`${block}.${one}.to_v.weight`] = [width, context];
      shapes[`${block}.${one}.to_out.0.weight`] = [width, width];
    }
    shapes[`${block}.ff.net.0.proj.weight`] = [8 * width, width];
    shapes[`${block}.ff.net.2.weight`] = [width, 4 * width];
    for (let i = 1; i <= 3; i++) shapes[`${block}.norm${i}.weight`] = [width];
    shapes[`${at}.proj_out.weight`] = [width, width, 1, 1];
  };
  const widths = [320, 640, 1280, 1280];
  let inputs = 320;
  widths.forEach((width, level) => {
    for (let i = 0; i < 2; i++) {
      resnet(`down_blocks.${level}.resnets.${i}`, inputs, width);
      if (level < 3) attention(`down_blocks.${level}.attentions.${i}`, width);
      inputs = width;
    }
    if (level < 3) shapes[`down_blocks.${level}.downsamplers.0.conv.weight`] = [width, width, 3, 3];
  });
  resnet("mid_block.resnets.0", 1280, 1280);
  attention("mid_block.attentions.0", 1280);
  resnet("mid_block.resnets.1", 1280, 1280);
  const skips = [
    [2560, 2560, 2560],
    [2560, 2560, 1920],
    [1920, 1280, 960],
    [960, 640, 640],
  ];
  [...widths].reverse().forEach((width, level) => {
    for (let i = 0; i < 3; i++) {
      resnet(`up_blocks.${level}.resnets.${i}`, skips[level]![i]!, width);
      if (level > 0) attention(`up_blocks.${level}.attentions.${i}`, width);
    }
    if (level < 3) shapes[`up_blocks.${level}.upsamplers.0.conv.weight`] = [width, width, 3, 3];
  });
  return tableOf(shapes);
}

/** ConvNeXt-T as timm names it. */
export function convnext(): TensorTable {
  const shapes: Shapes = { "stem.0.weight": [96, 3, 4, 4], "stem.1.weight": [96] };
  [96, 192, 384, 768].forEach((width, stage) => {
    if (stage > 0) shapes[`stages.${stage}.downsample.1.weight`] = [width, width / 2, 2, 2];
    for (let block = 0; block < (stage === 2 ? 9 : 3); block++) {
      const at = `stages.${stage}.blocks.${block}`;
      shapes[`${at}.gamma`] = [width];
      shapes[`${at}.conv_dw.weight`] = [width, 1, 7, 7];
      shapes[`${at}.norm.weight`] = [width];
      shapes[`${at}.mlp.fc1.weight`] = [4 * width, width];
      shapes[`${at}.mlp.fc2.weight`] = [width, 4 * width];
    }
  });
  shapes["head.norm.weight"] = [768];
  shapes["head.fc.weight"] = [1000, 768];
  return tableOf(shapes);
}

/** `torch.nn.Sequential` of linears and activations. */
export function mlp(widths: readonly number[], name = "net"): TensorTable {
  const shapes: Shapes = {};
  for (let i = 1; i < widths.length; i++) {
    shapes[`${name}.${2 * (i - 1)}.weight`] = [widths[i]!, widths[i - 1]!];
    shapes[`${name}.${2 * (i - 1)}.bias`] = [widths[i]!];
  }
  return tableOf(shapes);
}

/** TinyTimeMixer: mixes patches, then features; patches are places in time. */
export function timeMixer(patches = 8, width = 192): TensorTable {
  const shapes: Shapes = { "backbone.encoder.patcher.weight": [width, 64], "backbone.encoder.patcher.bias": [width] };
  const mixer = (at: string, axis: number) => {
    shapes[`${at}.norm.norm.weight`] = [width];
    shapes[`${at}.mlp.fc1.weight`] = [2 * axis, axis];
    shapes[`${at}.mlp.fc2.weight`] = [axis, 2 * axis];
    shapes[`${at}.gating_block.attn_layer.weight`] = [axis, axis];
  };
  for (let layer = 0; layer < 3; layer++) {
    mixer(`backbone.encoder.mlp_mixer_encoder.mixers.${layer}.patch_mixer`, patches);
    mixer(`backbone.encoder.mlp_mixer_encoder.mixers.${layer}.feature_mixer`, width);
  }
  shapes["head.base_forecast_block.weight"] = [96, width * patches];
  return tableOf(shapes);
}

/** The word language model of PyTorch's examples. */
export function lstmLanguageModel(): TensorTable {
  const shapes: Shapes = { "encoder.weight": [33278, 650], "decoder.weight": [33278, 650], "decoder.bias": [33278] };
  for (let layer = 0; layer < 2; layer++) {
    shapes[`rnn.weight_ih_l${layer}`] = [2600, 650];
    shapes[`rnn.weight_hh_l${layer}`] = [2600, 650];
    shapes[`rnn.bias_ih_l${layer}`] = [2600];
  }
  return tableOf(shapes);
}

/** Two encoders whose layers have the same names inside. */
export function twoTowers(first: string, second: string, leaf: (name: string) => string): TensorTable {
  const shapes: Shapes = {};
  for (const tower of [first, second]) {
    const width = tower === first ? 512 : 768;
    for (let layer = 0; layer < 2; layer++) {
      for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
        shapes[`${tower}.${layer}.${leaf(`self_attn.${name}`)}.weight`] = [width, width];
      }
      shapes[`${tower}.${layer}.layer_norm1.weight`] = [width];
      shapes[`${tower}.${layer}.mlp.fc1.weight`] = [4 * width, width];
      shapes[`${tower}.${layer}.mlp.fc2.weight`] = [width, 4 * width];
    }
  }
  return tableOf(shapes);
}

export function whisper(): TensorTable {
  const shapes: Shapes = {
    "model.encoder.conv1.weight": [384, 80, 3],
    "model.encoder.conv2.weight": [384, 384, 3],
    "model.encoder.embed_positions.weight": [1500, 384],
    "model.encoder.layer_norm.weight": [384],
    "model.decoder.embed_tokens.weight": [51865, 384],
    "model.decoder.embed_positions.weight": [448, 384],
    "model.decoder.layer_norm.weight": [384],
  };
  for (const tower of ["encoder", "decoder"]) {
    for (let layer = 0; layer < 4; layer++) {
      const at = `model.${tower}.layers.${layer}`;
      for (const attention of tower === "encoder" ? ["self_attn"] : ["self_attn", "encoder_attn"]) {
        for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
          shapes[`${at}.${attention}.${name}.weight`] = [384, 384];
        }
        shapes[`${at}.${attention}_layer_norm.weight`] = [384];
      }
      shapes[`${at}.fc1.weight`] = [1536, 384];
      shapes[`${at}.fc2.weight`] = [384, 1536];
      shapes[`${at}.final_layer_norm.weight`] = [384];
    }
  }
  return tableOf(shapes);
}

/** Medusa-1 heads as they are published, without the model they stand on. */
export function medusaHeads(): TensorTable {
  const shapes: Shapes = {};
  for (let head = 0; head < 3; head++) {
    shapes[`medusa_head.${head}.0.linear.weight`] = [4096, 4096];
    shapes[`medusa_head.${head}.0.linear.bias`] = [4096];
    shapes[`medusa_head.${head}.1.weight`] = [32000, 4096];
  }
  return tableOf(shapes);
}

/** A mixture of experts with a multi-token-prediction module of its own (Qwen3-Next). */
export function mixtureWithMtp(): TensorTable {
  const shapes: Shapes = {
    "model.embed_tokens.weight": [1000, 64],
    "lm_head.weight": [1000, 64],
    "model.norm.weight": [64],
    "mtp.fc.weight": [64, 128],
    "mtp.norm.weight": [64],
  };
  for (const [at, layers] of [
    ["model.layers", 2],
    ["mtp.layers", 1],
  ] as const) {
    for (let layer = 0; layer < layers; layer++) {
      const block = `${at}.${layer}`;
      for (const name of ["q_proj", "k_proj", "v_proj", "o_proj"])
        shapes[`${block}.self_attn.${name}.weight`] = [64, 64];
      shapes[`${block}.mlp.gate.weight`] = [4, 64];
      for (let expert = 0; expert < 4; expert++) {
        shapes[`${block}.mlp.experts.${expert}.gate_proj.weight`] = [32, 64];
        shapes[`${block}.mlp.experts.${expert}.up_proj.weight`] = [32, 64];
        shapes[`${block}.mlp.experts.${expert}.down_proj.weight`] = [64, 32];
      }
      shapes[`${block}.input_layernorm.weight`] = [64];
      shapes[`${block}.post_attention_layernorm.weight`] = [64];
    }
  }
  return tableOf(shapes);
}

/** An export to ONNX: constants without names, linears as [in, out]. */
export function onnxMlp(widths: readonly number[]): TensorTable {
  const shapes: Shapes = {};
  for (let i = 1; i < widths.length; i++) shapes[`onnx::MatMul_${17 + 9 * i}`] = [widths[i - 1]!, widths[i]!];
  return tableOf(shapes);
}
