import { fillGaussian, uniform, xorshift } from "../support/random.mjs";

const LAYERS = 2;
const WIDTH = 128;
const FFN = 256;
const VOCABULARY = 512;
/** Directions of meaning that all models of a family have, each model in a basis of its own. */
const FACTORS = 8;
const MASSIVE_CHANNELS = 4;

/**
 * What the models of a family have in common. Nothing of it ties the labels of two models together, and all of it has
 * been mistaken for kinship: equal norm gains (cosine above .98), equal channel and row scales, heavy tails, rows that
 * mean the same, outlier channels.
 */
export const FAMILIES = new Map([
  ["norm gains", {}],
  ["channel and row scales, row offsets", { scales: true, offsets: true }],
  ["heavy tails", { scales: true, heavy: true }],
  ["common factors, own bases", { factors: true }],
  ["massive channels", { massive: true }],
  ["all of these", { scales: true, offsets: true, heavy: true, factors: true, massive: true }],
]);

/** Matrices [rows, cols] of the model; `residual` columns carry residual labels, the others neurons. */
function matrices() {
  const list = [{ name: "model.embed_tokens.weight", rows: VOCABULARY, cols: WIDTH, residual: true }];
  for (let i = 0; i < LAYERS; i++) {
    const at = `model.layers.${i}`;
    for (const p of ["q", "k", "v", "o"]) {
      list.push({ name: `${at}.self_attn.${p}_proj.weight`, rows: WIDTH, cols: WIDTH, residual: p !== "o" });
    }
    for (const p of ["gate", "up"]) {
      list.push({ name: `${at}.mlp.${p}_proj.weight`, rows: FFN, cols: WIDTH, residual: true });
    }
    list.push({ name: `${at}.mlp.down_proj.weight`, rows: WIDTH, cols: FFN, residual: false });
  }
  return list;
}

function vectors() {
  const list = ["model.norm.weight"];
  for (let i = 0; i < LAYERS; i++) {
    list.push(`model.layers.${i}.input_layernorm.weight`, `model.layers.${i}.post_attention_layernorm.weight`);
  }
  return list;
}

/** The common part of a family, drawn once. */
export function drawFamily(family, seed) {
  const random = xorshift(seed);
  const gaussian = (n, sigma) => fillGaussian(new Float32Array(n), random, sigma);
  const logNormal = (n, sigma) => gaussian(n, sigma).map(Math.exp);
  return {
    ...FAMILIES.get(family),
    gains: new Map(vectors().map((name) => [name, logNormal(WIDTH, 0.3)])),
    residualScale: logNormal(WIDTH, 0.7),
    neuronScale: logNormal(FFN, 0.7),
    parts: new Map(
      matrices().map(({ name, rows }) => [
        name,
        { rowScale: logNormal(rows, 0.5), offset: gaussian(rows, 0.3), meaning: gaussian(rows * FACTORS, 0.5) },
      ]),
    ),
  };
}

/** The tensors [name, shape, f32 values] of one model of a family: everything not common is drawn from its own seed. */
export function drawModel(common, seed) {
  const random = xorshift(seed);
  const residual = labelsOf(WIDTH, random);
  const neurons = Array.from({ length: LAYERS }, () => labelsOf(FFN, random));
  const tensors = [];
  for (const matrix of matrices()) {
    const layer = Number(/layers\.(\d+)/.exec(matrix.name)?.[1] ?? 0);
    const labels = matrix.residual || matrix.cols === WIDTH ? residual : neurons[layer];
    tensors.push([matrix.name, [matrix.rows, matrix.cols], drawMatrix(matrix, common, labels, random)]);
  }
  for (const name of vectors()) {
    const own = fillGaussian(new Float32Array(WIDTH), random, 0.02);
    tensors.push([name, [WIDTH], common.gains.get(name).map((g, j) => g * (1 + own[j]))]);
  }
  return tensors;
}

/** A model's own basis of the common factors, and its own places of the massive channels. */
function labelsOf(n, random) {
  const massive = new Float32Array(n);
  for (let i = 0; i < MASSIVE_CHANNELS; i++) massive[random() % n] = uniform(random) < 0.5 ? -6 : 6;
  return { basis: fillGaussian(new Float32Array(n * FACTORS), random), massive };
}

function drawMatrix({ name, rows, cols, residual }, common, { basis, massive }, random) {
  const { rowScale, offset, meaning } = common.parts.get(name);
  const columnScale = residual ? common.residualScale : common.neuronScale;
  const out = fillGaussian(new Float32Array(rows * cols), random);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      let x = out[i * cols + j];
      if (common.heavy) x /= Math.sqrt(-2 * Math.log(uniform(random)) * 0.5 + 0.05);
      if (common.factors) for (let f = 0; f < FACTORS; f++) x += meaning[i * FACTORS + f] * basis[j * FACTORS + f];
      if (common.massive) x += massive[j];
      if (common.offsets) x += offset[i];
      if (common.scales) x *= rowScale[i] * columnScale[j];
      out[i * cols + j] = 0.02 * x;
    }
  }
  return out;
}
