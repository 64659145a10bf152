import { type Prng, prng } from "../../src/numerics/prng.ts";
import { type Model, type ModelTensor, unit } from "./random-model.ts";

export type Shapes = Readonly<Record<string, readonly number[]>>;

/** Values for any shapes: Gaussian initial weights of variance 1 / inputs, and a few strong directions on top. */
export function shapedModel(shapes: Shapes, seeds: { readonly init: number; readonly training?: number }): Model {
  const init = prng(`shaped init ${seeds.init}`);
  const training = prng(`shaped training ${seeds.training ?? seeds.init}`);
  const model = new Map<string, ModelTensor>();
  for (const [name, shape] of Object.entries(shapes)) {
    const values = shape.length < 2 ? vector(shape[0]!, name, training) : matrix(shape, init, training);
    model.set(name, { shape, values, dtype: "F32" });
  }
  return model;
}

function vector(length: number, name: string, random: Prng): Float32Array {
  const centre = /weight|running_var/.test(name) ? 1 : 0;
  return Float32Array.from({ length }, () => centre + 0.05 * random.normal());
}

/** Directions lie between inputs and outputs: of a kernel, each of its places is an output of its own. */
function matrix(shape: readonly number[], init: Prng, training: Prng): Float32Array {
  const [outputs, cols, ...kernel] = shape as [number, number, ...number[]];
  const places = kernel.reduce((product, n) => product * n, 1);
  const rows = outputs * places;
  const size = 1 / Math.sqrt(cols * places);
  const values = Float32Array.from({ length: rows * cols }, () => size * init.normal());
  const edge = size * (Math.sqrt(rows) + Math.sqrt(cols));
  const directions = Math.min(8, Math.floor(Math.min(rows, cols) / 4));
  for (let k = 0; k < directions; k++) {
    const [left, right] = [unit(rows, training), unit(cols, training)];
    for (let i = 0; i < values.length; i++) {
      const [row, place] = [Math.floor(i / places / cols), i % places];
      values[i]! += edge * (3 - k / 8) * left[row * places + place]! * right[Math.floor(i / places) % cols]!;
    }
  }
  return values;
}

function norm(name: string, width: number): Shapes {
  return { [`${name}.weight`]: [width], [`${name}.bias`]: [width] };
}

function linear(name: string, inputs: number, outputs: number): Shapes {
  return { [`${name}.weight`]: [outputs, inputs], [`${name}.bias`]: [outputs] };
}

/** Small relatives of what people train, by the names that their libraries give. */
export const ARCHITECTURES: Readonly<Record<string, () => Shapes>> = {
  "a residual network": () => {
    const shapes: Record<string, readonly number[]> = { "conv1.weight": [32, 3, 3, 3], ...norm("bn1", 32) };
    let inputs = 32;
    for (const [stage, width] of [32, 64, 96].entries()) {
      for (let block = 0; block < 2; block++) {
        const at = `layer${stage + 1}.${block}`;
        shapes[`${at}.conv1.weight`] = [width, inputs, 3, 3];
        shapes[`${at}.conv2.weight`] = [width, width, 3, 3];
        Object.assign(shapes, norm(`${at}.bn1`, width), norm(`${at}.bn2`, width));
        if (inputs !== width) shapes[`${at}.downsample.0.weight`] = [width, inputs, 1, 1];
        inputs = width;
      }
    }
    return { ...shapes, ...linear("fc", 96, 10) };
  },
  "a plain convolutional network": () => {
    const widths = [3, 32, 32, 64, 64, 96, 96];
    const convolutions = widths.slice(1).map((width, i) => [`features.${2 * i}.weight`, [width, widths[i]!, 3, 3]]);
    return {
      ...Object.fromEntries(convolutions),
      ...linear("classifier.0", 96, 128),
      ...linear("classifier.3", 128, 10),
    };
  },
  "a perceptron": () => {
    const widths = [40, 128, 128, 96, 96, 64, 5];
    return Object.assign({}, ...widths.slice(1).map((width, i) => linear(`net.${2 * i}`, widths[i]!, width)));
  },
  "a recurrent language model": () => ({
    "encoder.weight": [160, 64],
    "rnn.weight_ih_l0": [384, 64],
    "rnn.weight_hh_l0": [384, 96],
    "rnn.weight_ih_l1": [384, 96],
    "rnn.weight_hh_l1": [384, 96],
    "rnn.bias_ih_l0": [384],
    "decoder.weight": [160, 96],
  }),
  "a vision transformer": () => {
    const shapes: Record<string, readonly number[]> = {
      cls_token: [1, 1, 64],
      pos_embed: [1, 17, 64],
      "patch_embed.proj.weight": [64, 3, 4, 4],
    };
    for (let n = 0; n < 4; n++) {
      const at = `blocks.${n}`;
      Object.assign(
        shapes,
        norm(`${at}.norm1`, 64),
        linear(`${at}.attn.qkv`, 64, 192),
        linear(`${at}.attn.proj`, 64, 64),
      );
      Object.assign(
        shapes,
        norm(`${at}.norm2`, 64),
        linear(`${at}.mlp.fc1`, 64, 160),
        linear(`${at}.mlp.fc2`, 160, 64),
      );
    }
    return { ...shapes, ...linear("head", 64, 10) };
  },
  "an encoder with a decoder": () => {
    const shapes: Record<string, readonly number[]> = { "shared.weight": [160, 64] };
    for (const side of ["encoder", "decoder"]) {
      for (let n = 0; n < 3; n++) {
        const at = `${side}.block.${n}.layer`;
        const attentions =
          side === "encoder"
            ? [["0", "SelfAttention"]]
            : [
                ["0", "SelfAttention"],
                ["1", "EncDecAttention"],
              ];
        for (const [i, kind] of attentions) {
          for (const part of ["q", "k", "v", "o"]) shapes[`${at}.${i}.${kind}.${part}.weight`] = [64, 64];
          shapes[`${at}.${i}.layer_norm.weight`] = [64];
        }
        const last = attentions.length;
        shapes[`${at}.${last}.DenseReluDense.wi.weight`] = [128, 64];
        shapes[`${at}.${last}.DenseReluDense.wo.weight`] = [64, 128];
        shapes[`${at}.${last}.layer_norm.weight`] = [64];
      }
    }
    return shapes;
  },
  "a mixture of experts": () => {
    const shapes: Record<string, readonly number[]> = { "model.embed_tokens.weight": [160, 64] };
    for (let n = 0; n < 3; n++) {
      const at = `model.layers.${n}`;
      for (const part of ["q", "k", "v", "o"]) shapes[`${at}.self_attn.${part}_proj.weight`] = [64, 64];
      shapes[`${at}.mlp.gate.weight`] = [6, 64];
      for (let e = 0; e < 6; e++) {
        shapes[`${at}.mlp.experts.${e}.gate_proj.weight`] = [48, 64];
        shapes[`${at}.mlp.experts.${e}.up_proj.weight`] = [48, 64];
        shapes[`${at}.mlp.experts.${e}.down_proj.weight`] = [64, 48];
      }
    }
    return { ...shapes, "lm_head.weight": [160, 64] };
  },
  "two towers of one shape": () => {
    const shapes: Record<string, readonly number[]> = {};
    for (const tower of ["query_encoder", "passage_encoder"]) {
      for (let n = 0; n < 3; n++) {
        const at = `${tower}.encoder.layer.${n}`;
        for (const part of ["query", "key", "value"])
          Object.assign(shapes, linear(`${at}.attention.self.${part}`, 64, 64));
        Object.assign(shapes, linear(`${at}.attention.output.dense`, 64, 64));
        Object.assign(shapes, linear(`${at}.intermediate.dense`, 64, 128), linear(`${at}.output.dense`, 128, 64));
      }
    }
    return shapes;
  },
  "a transformer of convolutions in groups": () => {
    const [width, groups] = [128, 4];
    const shapes: Record<string, readonly number[]> = {
      "embeddings.word_embeddings.weight": [400, width],
      "embeddings.position_embeddings.weight": [64, width],
      ...norm("embeddings.LayerNorm", width),
    };
    const kernel = (name: string, inputs: number, outputs: number): Shapes => ({
      [`${name}.weight`]: [outputs, inputs, 1],
      [`${name}.bias`]: [outputs],
    });
    for (let n = 0; n < 3; n++) {
      const at = `encoder.layers.${n}`;
      for (const part of ["query", "key", "value"])
        Object.assign(shapes, kernel(`${at}.attention.${part}`, width / groups, width));
      Object.assign(shapes, kernel(`${at}.post_attention.conv1d`, width, width));
      Object.assign(shapes, norm(`${at}.post_attention.layernorm`, width));
      Object.assign(shapes, kernel(`${at}.intermediate.conv1d`, width / groups, 4 * width));
      Object.assign(shapes, kernel(`${at}.output.conv1d`, (4 * width) / groups, width));
      Object.assign(shapes, norm(`${at}.output.layernorm`, width));
    }
    return { ...shapes, ...linear("pooler.dense", width, width) };
  },
};
