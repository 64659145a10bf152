import * as networks from "./networks.mjs";
import * as readers from "./readers.mjs";
import * as stacks from "./stacks.mjs";

/**
 * Kinds of independent models, as same-features.mjs draws them. `shared` tells the stacks that are public: only of those may
 * a word be said. `expect` is what may be said of the whole: nothing ("strangers"), that a trained part is shared ("part"),
 * that the token table is the same ("table"), or that first values are, where they really are ("start"). Where there are
 * `variants`, models take turns.
 */
export const KINDS = new Map([
  ["residual convolutional nets", networks.residualNet()],
  ["plain convolutional nets", networks.plainNet()],
  ["densely joined convolutional nets", networks.denseNet()],
  ["depthwise convolutional nets", networks.depthwiseNet()],
  ["convolutions, kernels [h, w, in, out]", networks.kernelsLast()],
  ["perceptrons on the same inputs", networks.perceptron()],
  ["perceptrons, numbered names, [in, out]", networks.namelessPerceptron()],
  ["perceptrons, numbered names, square", networks.squarePerceptron()],
  ["autoencoders of the same inputs", networks.autoencoder()],
  ["mixers", networks.mixer()],
  ["LSTM", networks.recurrent("lstm", 4)],
  ["GRU", networks.recurrent("gru", 3)],
  ["LSTM on the same features", networks.recurrentOnFeatures()],
  ["linear head on public features", readers.linearHead()],
  ["six linear heads on public features", readers.manyHeads()],
  ["probes of the layers of a public model", readers.layerProbes()],
  ["deep head on public features", readers.deepHead()],
  ["square maps of the layers of a public model", readers.lenses((i) => `translators.${i}`)],
  ["square maps, layer names", readers.lenses((i) => `layers.${i}.translator`, 160)],
  ["square maps, bare numbers", readers.lenses((i) => `${i}`)],
  ["square maps, numbers with gaps", readers.lenses((i) => `translators.${2 * i}`)],
  ["square maps, names", readers.lenses((i) => `W_en_${["fr", "de", "es", "it"][i]}`)],
  ["square keys and values for a public model", readers.squareAttention()],
  ["maps between two public spaces", readers.translators(1)],
  ["maps between layers of two public models", readers.translators(3)],
  ["maps among three public spaces", readers.mapsAround()],
  ["heads of a public model beside a projector", readers.headsBesideProjector()],
  ["heads of a public model beside a cell", readers.headsBesideCell()],
  ["bottlenecks in a public model", readers.bottlenecks()],
  ["sparse autoencoders of a public model", readers.sparseAutoencoder()],
  ["image prompt adapters", readers.imagePrompt()],
  ["table taught by one teacher", readers.taughtTable()],
  ["two tables taught by one teacher", readers.taughtTables()],
  ["word and context vectors", readers.wordVectors()],
  ["table, columns sorted", readers.sortedTable()],
  ["LoRA, PEFT names", readers.adapter(readers.peft, false)],
  ["LoRA, PEFT names, one seed", readers.adapter(readers.peft, true)],
  ["LoRA, diffusers names", readers.adapter(readers.diffusers, false)],
  ["LoRA, diffusers names, one seed", readers.adapter(readers.diffusers, true)],
  ["LoRA, kohya names", readers.adapter(readers.kohya, false)],
  ["LoRA, kohya names, one seed", readers.adapter(readers.kohya, true)],
  ["LoRA under other names", readers.adapter(readers.unnamed, false)],
  ["LoRA under other names, one seed", { ...readers.adapter(readers.unnamed, true), expect: "start" }],
  ["language models", stacks.llama()],
  ["language models of several depths", { variants: [stacks.llama(2), stacks.llama(3), stacks.llama(5)] }],
  ["numbered names, several depths", { variants: [stacks.nameless(2), stacks.nameless(3), stacks.nameless(5)] }],
  ["positions added, not stored", stacks.sinusoidal()],
  ["positions added, usual frequencies", stacks.wideSinusoidal()],
  ["positions added and stored", stacks.storedPositions()],
  ["one layer stored again and again", stacks.repeatedLayer()],
  ["stream sorted as principal components", stacks.principal(readers.falling)],
  ["neurons sorted by size", stacks.sortedNeurons(readers.falling)],
  ["mixtures of experts", stacks.experts()],
  ["encoder and decoder", stacks.encoderDecoder()],
  ["numbered names, [in, out]", stacks.nameless()],
  ["first kernel from one seed", stacks.seededFirst()],
  ["token table from one seed", stacks.seededTable()],
  ["constant tensors", { ...stacks.llama(), finish: (values) => values.fill(values[0]) }],
  ["nearly constant tensors", { ...stacks.llama(), finish: (values) => values.map((x) => 0.02 + 1e-7 * x) }],
  ["three levels", { ...stacks.llama(), finish: ternary }],
  ["zeros at the same places", { ...stacks.llama(), finish: masked }],
  ["zeros but for a twentieth", { ...stacks.llama(), finish: sparse }],
  ["many decoys", withDecoys(stacks.llama())],
  ["public constants in each layer", withConstants(stacks.llama())],
  ["linears stored [in, out]", turnedLinears(stacks.llama())],
  ["windowed transforms beside a perceptron", besideConstants("stft", networks.windowed, [128, 256, 512])],
  ["tables of positions beside a perceptron", besideConstants("positions", networks.sinusoid, [128, 96, 160])],
  ["state space matrices beside a perceptron", besideConstants("ssm", networks.legendre, [64, 96, 128])],
  ["public frozen encoder", { ...stacks.multimodal(), expect: "part" }],
  ["public encoder, tuned a little", { ...stacks.multimodal({ tuned: true }), expect: "part" }],
  [
    "public encoder, small language stack",
    { ...stacks.multimodal({ layers: 1, ffn: 64, encoderLayers: 5 }), expect: "part" },
  ],
  ["public first layer of six", stacks.publicLayers(6, 1)],
  ["public first three layers of six", stacks.publicLayers(6, 3)],
  ["public token table", { ...stacks.publicTable(), expect: "table" }],
  ["public token table, tuned", { ...stacks.publicTable(true), expect: "table" }],
]);

function ternary(values, { shape }) {
  return shape.length < 2 ? values : values.map((x) => (Math.abs(x) < 0.04 ? 0 : 0.08 * Math.sign(x)));
}

function masked(values, { shape }) {
  return shape.length < 2 ? values : values.map((x, i) => ((i * 7919) % 97 < 90 ? 0 : x));
}

function sparse(values, { shape }, random) {
  return shape.length < 2 ? values : values.map((x) => (random() % 20 === 0 ? x : 0));
}

/** Small matrices, each model's own, as many as would hide a model. */
function withDecoys(kind) {
  const decoys = Array.from({ length: 120 }, (_, i) => ({
    name: `decoys.${i}.weight`,
    shape: [8, 64],
    axes: [null, null],
    share: 0,
  }));
  return { ...kind, tensors: [...kind.tensors, ...decoys] };
}

/** Linears of layers lying the other way, under names that promise [out, in]. */
function turnedLinears(kind) {
  const turn = (tensor) =>
    tensor.shape.length === 2 && /layers\./.test(tensor.name)
      ? { ...tensor, shape: tensor.shape.toReversed(), axes: tensor.axes.toReversed() }
      : tensor;
  return { ...kind, tensors: kind.tensors.map(turn) };
}

/** Square constants of mathematics, most of what a small model stores. */
function besideConstants(stack, of, sizes) {
  const kind = networks.perceptron();
  const constants = sizes.map((n, i) => ({ name: `${stack}.${i}.weight`, ...networks.publicValues([n, n], of) }));
  return { ...kind, shared: (component) => component === stack, tensors: [...kind.tensors, ...constants] };
}

/** Rotations, transforms, masks and filters that many models store and nobody trained. */
function withConstants(kind) {
  const { publicValues, hadamard, fourier, triangle, filterbank } = networks;
  const constants = [0, 1].flatMap((i) => [
    { name: `model.layers.${i}.self_attn.rotation.weight`, ...publicValues([64, 64], hadamard) },
    { name: `model.layers.${i}.self_attn.bias_mask`, ...publicValues([64, 64], triangle) },
  ]);
  const outside = [
    { name: "stft.forward_basis", ...publicValues([64, 64], fourier) },
    {
      name: "stft.inverse_basis",
      ...publicValues([64, 64], (i, shape) => fourier((i % shape[1]) * shape[0] + Math.floor(i / shape[1]), shape)),
    },
    { name: "feature_extractor.mel_filters", ...publicValues([40, 64], filterbank) },
  ];
  const shared = (component) => component === "stft";
  return { ...kind, shared, tensors: [...kind.tensors, ...constants, ...outside] };
}
