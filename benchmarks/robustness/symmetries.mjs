/**
 * Changes of a Llama-style model that leave its function alone (apart from rounding to bf16): each takes a seed and
 * returns a function from view to view. What they destroy is the place, sign or basis in which a mark is looked for.
 */
import { fillGaussian, uniform, xorshift } from "../support/random.mjs";
import {
  inRuns,
  permuteColumns,
  permuteRows,
  randomRotation,
  rotateColumnVectors,
  rotateRowVectors,
  scaleColumns,
  scaleRows,
  shuffled,
} from "./matrix-moves.mjs";
import { headsOf, mapTensors, nameOf, roleOf, withTensors } from "./model-view.mjs";

const READS_RESIDUAL = new Set(["q", "k", "v", "gate", "up", "embedding", "head"]);
const WRITES_RESIDUAL = new Set(["o", "down"]);
const GAINS = new Set(["attention-norm", "mlp-norm", "final-norm"]);

export const permuteNeurons = (seed) => (view) =>
  mapTensors(view, ({ shape }, role) => {
    if (role === null || !["gate", "up", "down"].includes(role.role)) return null;
    const order = shuffled(view.config.intermediate_size, seed + role.layer);
    return role.role === "down" ? (x) => permuteColumns(x, shape[1], order) : (x) => permuteRows(x, shape[1], order);
  });

/** Key/value heads with their groups of query heads, and the query heads within each group. */
export const permuteHeads = (seed) => (view) => {
  const { heads, kvHeads, size } = headsOf(view);
  const group = heads / kvHeads;
  return mapTensors(view, ({ shape }, role) => {
    if (role === null || !["q", "k", "v", "o"].includes(role.role)) return null;
    const groups = shuffled(kvHeads, seed + role.layer);
    const queries = groups.flatMap((g) => shuffled(group, seed + 1000 * g + role.layer).map((i) => g * group + i));
    const order = inRuns(["k", "v"].includes(role.role) ? groups : queries, size);
    return role.role === "o" ? (x) => permuteColumns(x, shape[1], order) : (x) => permuteRows(x, shape[1], order);
  });
};

export const permuteResidual = (seed) => (view) => {
  const order = shuffled(view.config.hidden_size, seed);
  return mapResidual(view, {
    gains: (x) => permuteRows(x, 1, order),
    rows: (x, cols) => permuteColumns(x, cols, order),
    columns: (x, cols) => permuteRows(x, cols, order),
  });
};

export const flipResidual = (seed) => (view) => {
  const signs = randomSigns(view.config.hidden_size, seed);
  return mapResidual(view, {
    rows: (x, cols) => scaleColumns(x, cols, signs),
    columns: (x, cols) => scaleRows(x, cols, signs),
  });
};

/** Needs norms without gains: folds them first. */
export const rotateResidual = (seed) => (view) => {
  const rotation = randomRotation(view.config.hidden_size, seed);
  return mapResidual(foldNorms()(view), {
    rows: (x, cols) => rotateRowVectors(x, cols, rotation),
    columns: (x, cols) => rotateColumnVectors(x, cols, rotation),
  });
};

/** Multiplies the gain of every norm into the matrices behind it; a tied head becomes a tensor of its own. */
export const foldNorms = () => (view) => {
  const tensors = new Map(untied(view).tensors);
  for (const tensor of [...tensors.values()]) {
    const { role, layer } = roleIn(tensor);
    const gain = tensors.get(gainBefore(role, layer));
    if (GAINS.has(role)) {
      replace(tensors, tensor, (x) => x.fill(1));
    } else if (gain) {
      const stored = view.tensors.get(gain.name);
      replace(tensors, tensor, (x) => scaleColumns(x, tensor.shape[1], stored.read()));
    }
  }
  return withTensors(view, [...tensors.values()], { tie_word_embeddings: false });
};

/** What AWQ and SmoothQuant do: a positive factor per channel moves from the norm's gain into the matrices behind it. */
export const scaleChannels = (seed) => (view) =>
  mapTensors(view, ({ shape }, role) => {
    const factors = (layer, place) => positive(view.config.hidden_size, seed + 2 * layer + place);
    if (role === null || role.layer < 0) return null;
    if (role.role === "attention-norm") return (x) => scaleRows(x, 1, inverted(factors(role.layer, 0)));
    if (role.role === "mlp-norm") return (x) => scaleRows(x, 1, inverted(factors(role.layer, 1)));
    if (["q", "k", "v"].includes(role.role)) return (x) => scaleColumns(x, shape[1], factors(role.layer, 0));
    if (["gate", "up"].includes(role.role)) return (x) => scaleColumns(x, shape[1], factors(role.layer, 1));
    return null;
  });

/** A factor per neuron between up and down, and its sign: what the orientation mark is made of. */
export const scaleNeurons = (seed) => (view) =>
  mapTensors(view, ({ shape }, role) => {
    if (role === null || !["up", "down"].includes(role.role)) return null;
    const factors = positive(view.config.intermediate_size, seed + role.layer);
    return role.role === "up"
      ? (x) => scaleRows(x, shape[1], factors)
      : (x) => scaleColumns(x, shape[1], inverted(factors));
  });

/** Random signs for neurons, value dimensions and rotary planes. */
export const flipGenerators = (seed) => (view) => {
  const { heads, kvHeads, size } = headsOf(view);
  const half = size / 2;
  return mapTensors(view, ({ shape }, role) => {
    if (role === null) return null;
    const neurons = () => randomSigns(view.config.intermediate_size, seed + 3 * role.layer);
    const values = () => randomSigns(kvHeads * size, seed + 3 * role.layer + 1);
    const planes = randomSigns(kvHeads * half, seed + 3 * role.layer + 2);
    const plane = (head, i) => planes[head * half + (i % half)];
    const group = heads / kvHeads;
    switch (role.role) {
      case "up":
        return (x) => scaleRows(x, shape[1], neurons());
      case "down":
        return (x) => scaleColumns(x, shape[1], neurons());
      case "v":
        return (x) => scaleRows(x, shape[1], values());
      case "o":
        return (x) => scaleColumns(x, shape[1], perQuery(values(), size, group));
      case "k":
        return (x) =>
          scaleRows(
            x,
            shape[1],
            Float32Array.from({ length: shape[0] }, (_, i) => plane(Math.floor(i / size), i % size)),
          );
      case "q":
        return (x) =>
          scaleRows(
            x,
            shape[1],
            Float32Array.from({ length: shape[0] }, (_, i) => plane(Math.floor(i / size / group), i % size)),
          );
      default:
        return null;
    }
  });
};

/** An invertible matrix per key/value head between V and O: a rotation and factors between .5 and 2. */
export const mixValues = (seed) => (view) => {
  const { heads, kvHeads, size } = headsOf(view);
  const group = heads / kvHeads;
  return mapTensors(view, ({ shape: [, cols] }, role) => {
    if (role === null || !["v", "o"].includes(role.role)) return null;
    const maps = Array.from({ length: kvHeads }, (_, g) => {
      const own = seed + 100 * role.layer + g;
      return { rotation: randomRotation(size, own), factors: positive(size, own) };
    });
    if (role.role === "v") {
      return (x) => {
        maps.forEach(({ rotation, factors }, g) => {
          const rows = x.subarray(g * size * cols, (g + 1) * size * cols);
          scaleRows(rotateColumnVectors(rows, cols, rotation), cols, factors);
        });
        return x;
      };
    }
    return (x) => {
      // (D R V) needs O R^T D^-1: the rows of O within a head are mapped by R, then divided.
      for (let i = 0; i < x.length; i += size) {
        const { rotation, factors } = maps[Math.floor(((i / size) % heads) / group)];
        const part = x.subarray(i, i + size);
        scaleColumns(rotateRowVectors(part, size, rotation), size, inverted(factors));
      }
      return x;
    };
  });
};

/** A complex factor per rotary plane on the keys of a group, its inverse conjugate on the queries. */
export const turnPlanes = (seed) => (view) => {
  const { heads, kvHeads, size } = headsOf(view);
  const half = size / 2;
  const group = heads / kvHeads;
  return mapTensors(view, ({ shape: [, cols] }, role) => {
    if (role === null || !["q", "k"].includes(role.role)) return null;
    const random = xorshift(seed + role.layer);
    const planes = Array.from({ length: kvHeads * half }, () => ({
      angle: 2 * Math.PI * uniform(random),
      factor: 0.5 + 1.5 * uniform(random),
    }));
    const count = role.role === "q" ? heads : kvHeads;
    return (x) => {
      for (let head = 0; head < count; head++) {
        for (let i = 0; i < half; i++) {
          const { angle, factor } = planes[(role.role === "q" ? Math.floor(head / group) : head) * half + i];
          const gain = role.role === "q" ? 1 / factor : factor;
          turn(x, (head * size + i) * cols, (head * size + half + i) * cols, cols, angle, gain);
        }
      }
      return x;
    };
  });
};

/** Neurons that do nothing, in random places: their columns of down are zero. `share` of the real ones. */
export const dummyNeurons = (share, seed) => (view) => {
  const real = view.config.intermediate_size;
  const added = Math.round(share * real);
  const tensors = [...view.tensors.values()].map((tensor) => {
    const { role, layer } = roleIn(tensor);
    if (!["gate", "up", "down"].includes(role)) return tensor;
    const order = shuffled(real + added, seed + layer);
    const [rows, cols] = tensor.shape;
    if (role === "down") {
      const read = () => permuteColumns(wider(tensor.read(), cols, added), cols + added, order);
      return { ...tensor, shape: [rows, cols + added], raw: undefined, read };
    }
    const read = () => permuteRows(longer(tensor.read(), added * cols, seed + layer), cols, order);
    return { ...tensor, shape: [rows + added, cols], raw: undefined, read };
  });
  return withTensors(view, tensors, { intermediate_size: real + added });
};

function mapResidual(view, { gains, rows, columns }) {
  return mapTensors(view, ({ shape }, role) => {
    if (role === null) return null;
    if (GAINS.has(role.role)) return gains ?? null;
    if (READS_RESIDUAL.has(role.role)) return (x) => rows(x, shape[1]);
    return WRITES_RESIDUAL.has(role.role) ? (x) => columns(x, shape[1]) : null;
  });
}

function untied(view) {
  if (view.tensors.has("lm_head.weight")) return view;
  const head = { ...view.tensors.get("model.embed_tokens.weight"), name: "lm_head.weight" };
  return withTensors(view, [...view.tensors.values(), head]);
}

function gainBefore(role, layer) {
  if (["q", "k", "v"].includes(role)) return nameOf("attention-norm", layer);
  if (["gate", "up"].includes(role)) return nameOf("mlp-norm", layer);
  return role === "head" ? "model.norm.weight" : "";
}

function replace(tensors, tensor, edit) {
  tensors.set(tensor.name, { ...tensor, raw: undefined, read: () => edit(tensor.read()) });
}

function turn(values, first, second, cols, angle, factor) {
  const c = factor * Math.cos(angle);
  const s = factor * Math.sin(angle);
  for (let j = 0; j < cols; j++) {
    const x = values[first + j];
    const y = values[second + j];
    values[first + j] = c * x - s * y;
    values[second + j] = s * x + c * y;
  }
}

/** One factor per value dimension, repeated for every query head of its group. */
function perQuery(factors, size, group) {
  const heads = (factors.length / size) * group;
  return Float32Array.from(
    { length: heads * size },
    (_, i) => factors[Math.floor(i / size / group) * size + (i % size)],
  );
}

function wider(values, cols, added) {
  const rows = values.length / cols;
  const out = new Float32Array(rows * (cols + added));
  for (let i = 0; i < rows; i++) out.set(values.subarray(i * cols, (i + 1) * cols), i * (cols + added));
  return out;
}

/** With rows behind that look like the others. */
function longer(values, added, seed) {
  const out = new Float32Array(values.length + added);
  out.set(values);
  fillGaussian(out.subarray(values.length), xorshift(seed), Math.hypot(...values.subarray(0, 4096)) / 64);
  return out;
}

function randomSigns(n, seed) {
  const random = xorshift(seed);
  return Float32Array.from({ length: n }, () => (random() & 1024 ? 1 : -1));
}

/** Between .5 and 2, even on the logarithmic scale. */
function positive(n, seed) {
  const random = xorshift(seed);
  return Float32Array.from({ length: n }, () => 2 ** (2 * uniform(random) - 1));
}

const inverted = (factors) => factors.map((x) => 1 / x);

function roleIn({ name }) {
  return roleOf(name) ?? { role: "", layer: -1 };
}
