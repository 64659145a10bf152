/** Stacks of attention and feed-forward layers under the names of several libraries. */

const linear = (name, out, outputs, inputs, read) => ({
  name: `${name}.weight`,
  shape: [out, inputs],
  axes: [outputs, read],
});
const vector = (name, n, axis) => ({ name: `${name}.weight`, shape: [n], axes: [axis] });

const WIDTH = 64;
const FFN = 160;
const VOCABULARY = 320;
const HEADS = [4, 16];

/** One layer; `labels` keeps the groups of several stacks apart. */
function llamaLayer(at, labels, width = WIDTH, ffn = FFN) {
  const [stream, heads, neurons] = [`${labels}d`, `${labels}h`, `${labels}n`];
  return [
    ...["q", "k", "v"].map((p) => linear(`${at}.self_attn.${p}_proj`, 64, heads, width, stream)),
    linear(`${at}.self_attn.o_proj`, width, stream, 64, heads),
    linear(`${at}.mlp.gate_proj`, ffn, neurons, width, stream),
    linear(`${at}.mlp.up_proj`, ffn, neurons, width, stream),
    linear(`${at}.mlp.down_proj`, width, stream, ffn, neurons),
    vector(`${at}.input_layernorm`, width, stream),
    vector(`${at}.post_attention_layernorm`, width, stream),
  ];
}

/** Groups of a stack: one stream, heads and neurons of each layer. */
function groupsOf(layers, prefix = "", width = WIDTH, ffn = FFN) {
  const groups = { [`${prefix}d`]: width };
  for (let i = 0; i < layers; i++) {
    groups[`${prefix}${i}d`] = width;
    groups[`${prefix}${i}h`] = HEADS;
    groups[`${prefix}${i}n`] = ffn;
  }
  return groups;
}

/** All layers of a stack share one stream: the labels of layer i's stream are the stack's. */
function oneStream(tensors, prefix) {
  const own = new RegExp(`^${prefix}\\d+d$`);
  const renamed = (axis) => (typeof axis === "string" && own.test(axis) ? `${prefix}d` : axis);
  return tensors.map((t) => ({ ...t, axes: t.axes.map(renamed) }));
}

export function llama(layers = 2, width = WIDTH, ffn = FFN) {
  const body = Array.from({ length: layers }, (_, i) => llamaLayer(`model.layers.${i}`, `${i}`, width, ffn)).flat();
  return {
    groups: groupsOf(layers, "", width, ffn),
    tensors: [
      { name: "model.embed_tokens.weight", shape: [VOCABULARY, width], axes: [null, "d"] },
      ...oneStream(body, ""),
      vector("model.norm", width, "d"),
      linear("lm_head", VOCABULARY, null, width, "d"),
    ],
  };
}

/** A stream whose dimensions are ordered by the frequency of positions that are added and not stored. */
export function sinusoidal(layers = 2) {
  const base = llama(layers);
  return {
    ...base,
    finish: (values, { shape, axes }, random) => {
      if (shape.length !== 2 || axes[1] !== "d") return values;
      const [rows, cols] = shape;
      const out = values.slice();
      for (let i = 0; i < rows; i++) {
        // What a row makes of positions: half of it the same in all models.
        for (let f = 1; f <= 4; f++) {
          const own = random() / 2 ** 31 - 1;
          const amplitude = 0.05 * (Math.sin(7.1 * i + f * f) + own);
          for (let j = 0; j < cols; j++)
            out[i * cols + j] += amplitude * Math.cos((Math.PI * f * (j >> 1)) / (cols / 2) + (j & 1) * (Math.PI / 2));
        }
      }
      return out;
    },
  };
}

const POSITIONS = 48;

/** The same with the usual frequencies, sines beside cosines, in a wide stream: each row mixes positions in a way of its own. */
export function wideSinusoidal(width = 256) {
  const table = Float32Array.from({ length: POSITIONS * width }, (_, i) =>
    sinusoid(Math.floor(i / width), i % width, width),
  );
  return {
    ...llama(2, width),
    finish: (values, { shape, axes }, random) => {
      if (shape.length !== 2 || axes[1] !== "d") return values;
      const out = values.slice();
      for (let i = 0; i < shape[0]; i++) {
        for (let p = 0; p < POSITIONS; p++) {
          const amount = 0.03 * (random() / 2 ** 31 - 1);
          for (let j = 0; j < width; j++) out[i * width + j] += amount * table[p * width + j];
        }
      }
      return out;
    },
  };
}

function sinusoid(place, j, width) {
  return Math.sin(place * 10_000 ** ((-2 * (j >> 1)) / width) + (j & 1) * (Math.PI / 2));
}

/** Four waves of positions, and the table of positions stored. */
export function storedPositions() {
  const base = sinusoidal();
  const table = {
    name: "model.embed_positions.weight",
    shape: [128, WIDTH],
    axes: [null, null],
    share: 1,
    values: () =>
      Float32Array.from({ length: 128 * WIDTH }, (_, i) => sinusoid(Math.floor(i / WIDTH), i % WIDTH, WIDTH)),
  };
  return { ...base, tensors: [table, ...base.tensors] };
}

/** One layer, stored under every number. */
export function repeatedLayer() {
  const base = llama(4);
  const first = (name) => name.replace(/layers\.\d+/, "layers.0");
  return {
    ...base,
    whole: (list) => {
      const known = new Map(list.map(([name, , values]) => [name, values]));
      return list.map(([name, shape]) => [name, shape, known.get(first(name))]);
    },
  };
}

/** Columns of the stream are principal components: sorted, and the first mean the same in all models. */
export function principal(falling) {
  return {
    ...llama(),
    given: { d: 4 },
    finish: (values, tensor) => (tensor.axes[1] === "d" ? falling(values, tensor) : values),
  };
}

/** Neurons sorted by importance. */
export function sortedNeurons(falling) {
  return { ...llama(), finish: (values, tensor) => (/down_proj/.test(tensor.name) ? falling(values, tensor) : values) };
}

export function experts() {
  const groups = groupsOf(2);
  const tensors = [{ name: "model.embed_tokens.weight", shape: [VOCABULARY, WIDTH], axes: [null, "d"] }];
  for (let i = 0; i < 2; i++) {
    const at = `model.layers.${i}`;
    tensors.push(...llamaLayer(at, `${i}`).filter(({ name }) => !name.includes("mlp")));
    tensors.push(linear(`${at}.block_sparse_moe.gate`, 4, null, WIDTH, "d"));
    for (let e = 0; e < 4; e++) {
      groups[`${i}e${e}`] = 96;
      tensors.push(
        linear(`${at}.block_sparse_moe.experts.${e}.w1`, 96, `${i}e${e}`, WIDTH, "d"),
        linear(`${at}.block_sparse_moe.experts.${e}.w3`, 96, `${i}e${e}`, WIDTH, "d"),
        linear(`${at}.block_sparse_moe.experts.${e}.w2`, WIDTH, "d", 96, `${i}e${e}`),
      );
    }
  }
  return { groups, tensors: oneStream(tensors, "") };
}

/** T5's names: an encoder, and a decoder that also reads it; one table. */
export function encoderDecoder() {
  const groups = { ...groupsOf(2, "e"), ...groupsOf(2, "f") };
  const attention = (at, heads, writes, reads) => [
    linear(`${at}.q`, 64, heads, WIDTH, writes),
    linear(`${at}.k`, 64, heads, WIDTH, reads),
    linear(`${at}.v`, 64, heads, WIDTH, reads),
    linear(`${at}.o`, WIDTH, writes, 64, heads),
  ];
  const tensors = [{ name: "shared.weight", shape: [VOCABULARY, WIDTH], axes: [null, "ed"] }];
  for (let i = 0; i < 2; i++) {
    groups[`x${i}`] = HEADS;
    const [encoder, decoder] = [`encoder.block.${i}`, `decoder.block.${i}`];
    tensors.push(
      ...attention(`${encoder}.layer.0.SelfAttention`, `e${i}h`, "ed", "ed"),
      linear(`${encoder}.layer.1.DenseReluDense.wi`, FFN, `e${i}n`, WIDTH, "ed"),
      linear(`${encoder}.layer.1.DenseReluDense.wo`, WIDTH, "ed", FFN, `e${i}n`),
      ...attention(`${decoder}.layer.0.SelfAttention`, `f${i}h`, "ed", "ed"),
      ...attention(`${decoder}.layer.1.EncDecAttention`, `x${i}`, "ed", "ed"),
      linear(`${decoder}.layer.2.DenseReluDense.wi`, FFN, `f${i}n`, WIDTH, "ed"),
      linear(`${decoder}.layer.2.DenseReluDense.wo`, WIDTH, "ed", FFN, `f${i}n`),
    );
  }
  return { groups, tensors };
}

/** GPT-2's layers as an exporter stores them: [in, out], numbers for names. */
export function nameless(layers = 3) {
  const tensors = [{ name: "onnx::Gather_9", shape: [VOCABULARY, WIDTH], axes: [null, "d"] }];
  const groups = groupsOf(layers);
  let number = 100;
  for (let i = 0; i < layers; i++) {
    const stored = (inputs, read, out, outputs) =>
      tensors.push({ name: `onnx::MatMul_${number++}`, shape: [inputs, out], axes: [read, outputs] });
    for (let p = 0; p < 3; p++) stored(WIDTH, "d", 64, `${i}h`);
    stored(64, `${i}h`, WIDTH, "d");
    stored(WIDTH, "d", FFN, `${i}n`);
    stored(FFN, `${i}n`, WIDTH, "d");
  }
  return { groups, tensors };
}

/** A patch kernel whose first values came from one default seed; nothing else did. */
export function seededFirst() {
  const base = llama();
  const first = { name: "patch_embed.proj.weight", shape: [WIDTH, 3, 4, 4], axes: [null, null], share: 0.8 };
  return {
    ...base,
    tensors: [
      first,
      ...base.tensors.filter(({ name }) => !/embed_tokens|lm_head/.test(name)),
      linear("head", 20, null, WIDTH, "d"),
    ],
  };
}

/** A small token table and first projection from one default seed, under a stack that is each model's own. */
export function seededTable() {
  const base = llama();
  const given = (t) => (t.name === "model.embed_tokens.weight" ? { ...t, axes: [null, null], share: 0.9 } : t);
  return { ...base, tensors: base.tensors.map(given) };
}

const ENCODER_NAMES = [
  "vision_tower.vision_model",
  "clip.vision_model",
  "visual.trunk",
  "image_encoder",
  "eva.visual",
  "model.vision_tower",
  "vit",
  "vision_encoder.backbone",
];
const ENCODER = "ENCODER";

/** A multimodal model: a public frozen encoder under a name of the model's own, a projector and a language stack. */
export function multimodal({ layers = 2, ffn = FFN, tuned = false, encoderLayers = 2 } = {}) {
  const vision = Array.from({ length: encoderLayers }, (_, i) => visionLayer(`${ENCODER}.encoder.layers.${i}`)).flat();
  const given = (t) => ({ ...t, axes: t.axes.map(() => null), share: tuned ? 0.995 : 1 });
  const language = Array.from({ length: layers }, (_, i) =>
    llamaLayer(`language_model.model.layers.${i}`, `${i}`, WIDTH, ffn),
  ).flat();
  return {
    groups: { ...groupsOf(layers, "", WIDTH, ffn), p: WIDTH },
    tensors: [
      ...vision.map(given),
      { ...linear("multi_modal_projector.linear_1", WIDTH, "p", 80, null), share: 0.5 },
      linear("multi_modal_projector.linear_2", WIDTH, "d", WIDTH, "p"),
      { name: "language_model.model.embed_tokens.weight", shape: [VOCABULARY, WIDTH], axes: [null, "d"] },
      ...oneStream(language, ""),
    ],
    rename: (name, number) => name.replace(ENCODER, ENCODER_NAMES[number % ENCODER_NAMES.length]),
    shared: (component) => /vision|visual|image_encoder|^vit|clip|eva/.test(component),
  };
}

function visionLayer(at) {
  return [
    ...["q", "k", "v"].map((p) => linear(`${at}.self_attn.${p}_proj`, 80, null, 80, null)),
    linear(`${at}.self_attn.out_proj`, 80, null, 80, null),
    linear(`${at}.mlp.fc1`, 192, null, 80, null),
    linear(`${at}.mlp.fc2`, 80, null, 192, null),
    vector(`${at}.layer_norm1`, 80, null),
  ];
}

/** Stacks whose first layers come from one public model, tuned a little, and whose others are each model's own. */
export function publicLayers(depth, shared) {
  const base = llama(depth);
  const isPublic = ({ name, shape }) => shape.length > 1 && Number(/layers\.(\d+)/.exec(name)?.[1] ?? depth) < shared;
  const given = (t) => (isPublic(t) ? { ...t, axes: t.axes.map(() => null), share: 0.9 } : t);
  return {
    ...base,
    tensors: base.tensors.map(given),
    expect: "part",
    shared: (component) => component === "model.layers",
  };
}

/** Strangers on one public token table, kept as it was, or trained on with a head that starts as the table does. */
export function publicTable(tuned = false) {
  const base = llama();
  const isGiven = tuned ? /embed_tokens|lm_head/ : /embed_tokens/;
  const given = (t) => (isGiven.test(t.name) ? { ...t, axes: [null, null], share: tuned ? 0.97 : 1 } : t);
  return { ...base, tensors: base.tensors.map(given) };
}
