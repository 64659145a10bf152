/** What is trained on given features or for a given model: heads, probes, lenses, adapters, tables. */

const linear = (name, out, outputs, inputs, read) => ({
  name: `${name}.weight`,
  shape: [out, inputs],
  axes: [outputs, read],
});

/** One least-squares solution to one target, plus noise. */
export function linearHead() {
  return {
    share: 0.9,
    tensors: [linear("classifier", 50, null, 256, null), { name: "classifier.bias", shape: [50], axes: [null] }],
  };
}

export function manyHeads() {
  return { share: 0.8, tensors: Array.from({ length: 6 }, (_, i) => linear(`heads.${i}`, 40, null, 128, null)) };
}

/** One probe for each layer of a public encoder. */
export function layerProbes() {
  return { share: 0.8, tensors: Array.from({ length: 8 }, (_, i) => linear(`layers.${i}.probe`, 24, null, 128, null)) };
}

/** A head with a hidden layer on the features of one frozen encoder. */
export function deepHead() {
  return {
    groups: { n: 128, m: 96 },
    share: 0.7,
    tensors: [
      linear("head.0", 128, "n", 192, null),
      linear("head.2", 96, "m", 128, "n"),
      linear("head.4", 50, null, 96, "m"),
    ],
  };
}

/** Square maps between given features, one for each layer of a public model: a tuned lens. */
export function lenses(name, width = 96) {
  return { share: 0.7, tensors: Array.from({ length: 4 }, (_, i) => linear(name(i), width, null, width, null)) };
}

/** Keys and values that read what a public model gives and are read by its queries. */
export function squareAttention() {
  const maps = (i) => ["k", "v"].map((p) => linear(`layers.${i}.attn.${p}_proj`, 96, null, 96, null));
  return { share: 0.5, tensors: Array.from({ length: 4 }, (_, i) => maps(i)).flat() };
}

/** Maps from one public space to another and back. */
export function translators(count) {
  const maps = (name, out, inputs) =>
    Array.from({ length: count }, (_, i) => linear(count === 1 ? name : `${name}.${i}`, out, null, inputs, null));
  return { share: 0.7, tensors: [...maps("forward_map", 96, 128), ...maps("backward_map", 128, 96)] };
}

/** Maps from each of three public spaces to the others. */
export function mapsAround() {
  const widths = { a: 96, b: 128, c: 160 };
  const ways = Object.keys(widths).flatMap((from) => Object.keys(widths).map((to) => [from, to]));
  const tensors = ways
    .filter(([from, to]) => from !== to)
    .map(([from, to]) => linear(`maps.${from}_${to}`, widths[to], null, widths[from], null));
  return { share: 0.8, tensors };
}

const heads = ["intent", "slot", "topic"].map((name) => ({ ...linear(name, 64, null, 128, null), share: 0.8 }));

/** Heads of a public model beside a projector into its stream, which has as many hidden units as they have classes. */
export function headsBesideProjector() {
  const projector = [linear("projector.0", 64, "p", 40, null), linear("projector.2", 128, null, 64, "p")];
  return { groups: { p: 64 }, tensors: [...projector, ...heads] };
}

/** Heads of a public model beside a cell with as wide a state. */
export function headsBesideCell() {
  const gates = Array.from({ length: 4 }, () => "c");
  const cell = [
    { name: "rnn.weight_ih_l0", shape: [512, 40], axes: [gates, null] },
    { name: "rnn.weight_hh_l0", shape: [512, 128], axes: [gates, "c"] },
  ];
  return { groups: { c: 128 }, tensors: [...cell, ...heads] };
}

/** Bottlenecks between the layers of a public model; the order of what lies between is each model's own. */
export function bottlenecks() {
  const groups = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`n${i}`, 48]));
  const at = (i) => `bert.encoder.layer.${i}.output.adapters.task`;
  const tensors = Array.from({ length: 4 }, (_, i) => [
    linear(`${at(i)}.adapter_down.0`, 48, `n${i}`, 96, null),
    linear(`${at(i)}.adapter_up`, 96, null, 48, `n${i}`),
  ]).flat();
  return { groups, tensors };
}

/** A dictionary of features of a public model, whose own order is free. */
export function sparseAutoencoder() {
  return {
    groups: { f: 256 },
    share: 0.7,
    tensors: [linear("encoder", 256, "f", 96, null), linear("decoder", 96, null, 256, "f")],
  };
}

/** Tables trained to one teacher: rows and columns are the teacher's. */
export function taughtTable() {
  return { share: 0.8, tensors: [{ name: "embedding.weight", shape: [512, 96], axes: [null, null] }] };
}

export function taughtTables() {
  return {
    share: 0.8,
    tensors: [
      { name: "token_embeddings.weight", shape: [512, 96], axes: [null, null] },
      { name: "bigram_embeddings.weight", shape: [768, 96], axes: [null, null] },
    ],
  };
}

/** Word vectors and context vectors in one space of each model's own. */
export function wordVectors() {
  return {
    groups: { d: 96 },
    tensors: [
      { name: "word_embeddings.weight", shape: [512, 96], axes: [null, "d"] },
      { name: "context_embeddings.weight", shape: [512, 96], axes: [null, "d"] },
    ],
  };
}

/** The same table with columns sorted by size, the first of which mean the same in all models. */
export function sortedTable() {
  return {
    groups: { d: 96 },
    given: { d: 4 },
    tensors: [{ name: "embedding.weight", shape: [512, 96], axes: [null, "d"] }],
    finish: falling,
  };
}

/** Columns fall in size as principal components do. */
export function falling(values, { shape }) {
  const cols = shape[1] ?? 0;
  return shape.length === 2 ? values.map((x, i) => x / Math.sqrt(1 + (i % cols))) : values;
}

const LAYERS = 3;
const RANK = 8;
const WIDTH = 96;

/** Adapters of strangers for one public model, so that its columns and rows are given. `seed`: the first matrices are equal. */
export function adapter(names, seed) {
  const share = (down) => (down && seed ? 0.95 : 0.2);
  const groups = seed ? {} : Object.fromEntries(Array.from({ length: 2 * LAYERS }, (_, i) => [`r${i}`, RANK]));
  const tensors = [];
  for (let i = 0; i < LAYERS; i++) {
    for (const [p, projection] of ["q", "v"].entries()) {
      const rank = seed ? null : `r${2 * i + p}`;
      const [down, up] = names(i, projection);
      tensors.push(
        { name: down, shape: [RANK, WIDTH], axes: [rank, null], share: share(true) },
        { name: up, shape: [WIDTH, RANK], axes: [null, rank], share: share(false) },
      );
    }
  }
  return { groups, tensors };
}

export const peft = (i, p) =>
  ["A", "B"].map((m) => `base_model.model.model.layers.${i}.self_attn.${p}_proj.lora_${m}.weight`);
export const diffusers = (i, p) =>
  ["down", "up"].map((m) => `unet.down_blocks.${i}.attentions.0.transformer_blocks.0.attn1.to_${p}.lora.${m}.weight`);
export const kohya = (i, p) =>
  ["down", "up"].map(
    (m) => `lora_unet_down_blocks_${i}_attentions_0_transformer_blocks_0_attn1_to_${p}.lora_${m}.weight`,
  );
/** Names that do not say that these are adapters. */
export const unnamed = (i, p) => ["first", "second"].map((m) => `blocks.${i}.${p}.${m}.weight`);

/** Cross-attention that reads one public encoder and writes into one public decoder. */
export function imagePrompt() {
  return {
    share: 0.5,
    tensors: Array.from({ length: 6 }, (_, i) =>
      ["k", "v"].map((p) => linear(`ip_adapter.${2 * i + 1}.to_${p}_ip`, 96, null, 128, null)),
    ).flat(),
  };
}
