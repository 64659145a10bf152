/** What hides where a model of any family of the zoo comes from, and leaves what it computes alone; each takes a seed. */
import { randomRotation, rotateRowVectors, shuffled } from "../robustness/matrix-moves.mjs";
import { withTensors } from "../robustness/model-view.mjs";
import { axesOf } from "./zoo-families.mjs";

const all =
  (family, ...moves) =>
  (seed) =>
  (view) =>
    moves.reduce((done, move) => move(family, seed)(done), view);

/** Disguises of a family, named as those of benchmarks/deep/disguises.mjs. */
export function zooDisguises(family) {
  return [
    ["none", all(family)],
    ["stream permuted", all(family, permuteStream)],
    ["stream rotated", all(family, rotateStream)],
    ["stream permuted, neurons and experts renumbered", all(family, permuteStream, renumber)],
    ["stream rotated, neurons and experts renumbered", all(family, rotateStream, renumber)],
  ];
}

/** The stream without every nth of its dimensions: no symmetry, for what a model computes changes. */
export function cutStream(family, nth) {
  return (view) => {
    const tensors = [...view.tensors.values()].map((tensor) => {
      const axis = axesOf(family, tensor.name)?.axes.indexOf("stream") ?? -1;
      if (axis < 0) return tensor;
      const kept = Array.from({ length: tensor.shape[axis] }, (_, i) => i).filter((i) => i % nth !== nth - 1);
      const [rows, cols] = tensor.shape.length === 1 ? [1, tensor.shape[0]] : tensor.shape;
      const isRows = axis < tensor.shape.length - 1;
      const read = () => {
        const values = tensor.read();
        const lines = isRows ? kept : Array.from({ length: rows }, (_, i) => i);
        return Float32Array.from(
          lines.flatMap((i) =>
            isRows ? [...values.subarray(i * cols, (i + 1) * cols)] : kept.map((j) => values[i * cols + j]),
          ),
        );
      };
      const shape = tensor.shape.map((size, i) => (i === axis ? kept.length : size));
      return { ...tensor, raw: undefined, shape, read };
    });
    const width = tensors.find(({ name }) => name === family.embedding).shape[1];
    return withTensors(view, tensors, { hidden_size: width });
  };
}

function permuteStream(family, seed) {
  return (view) => moveAxes(family, view, (label, size) => (label === "stream" ? shuffled(size, seed) : null));
}

/** Neurons of every layer and expert, and the experts themselves: their tensors change names. */
function renumber(family, seed) {
  return (view) => {
    const moved = moveAxes(family, view, (label, size) =>
      /^(?:neurons|experts)/.test(label ?? "") ? shuffled(size, seedOf(label, seed)) : null,
    );
    const expert = /^(.*\.layers\.(\d+)\..*experts\.)(\d+)(\..*)$/;
    const size = [...view.tensors.keys()].reduce((n, name) => Math.max(n, 1 + Number(expert.exec(name)?.[3] ?? -1)), 0);
    const tensors = [...moved.tensors.values()].map((tensor) => {
      const found = expert.exec(tensor.name);
      if (found === null) return tensor;
      const [, before, layer, number, behind] = found;
      // Row i of the router is row order[i] of the old one: so is expert i.
      const to = shuffled(size, seedOf(`experts ${layer}`, seed)).indexOf(Number(number));
      return { ...tensor, name: `${before}${to}${behind}` };
    });
    return withTensors(moved, tensors);
  };
}

/** Gains go into the matrices behind them first; where a norm takes the mean out, the rotation leaves the mean alone. */
function rotateStream(family, seed) {
  return (view) => {
    const whole = untied(family, view);
    const size = whole.tensors.get(family.embedding).shape[1];
    const rotation = family.centred ? centredRotation(size, seed) : plainRotation(size, seed);
    const gains = new Map();
    for (const { name, read } of whole.tensors.values()) {
      if (axesOf(family, name)?.isGain) gains.set(name.replace(/\.weight$/, ""), read());
    }
    const tensors = [...whole.tensors.values()].map((tensor) => {
      const found = axesOf(family, tensor.name);
      if (found === null || !found.axes.includes("stream")) return tensor;
      if (found.isGain) return changed(tensor, (x) => x.fill(1));
      const axis = found.axes.indexOf("stream");
      const gain = gains.get(found.norm);
      return changed(tensor, (x) => {
        const factor = (i) => (gain === undefined ? 1 : found.isShift ? 1 / gain[i] : gain[i]);
        return alongAxis(x, tensor.shape, axis, (line) => rotation(line.map((value, i) => value * factor(i))));
      });
    });
    return withTensors(whole, tensors, { tie_word_embeddings: false });
  };
}

function plainRotation(size, seed) {
  const rotation = randomRotation(size, seed);
  return (line) => rotateRowVectors(line, size, rotation);
}

/** Maps the direction of the mean to itself: a reflection brings it to the last axis and back, the others are rotated. */
function centredRotation(size, seed) {
  const rotation = randomRotation(size - 1, seed);
  const normal = new Float64Array(size).fill(1 / Math.sqrt(size));
  normal[size - 1] -= 1;
  const square = normal.reduce((sum, x) => sum + x * x, 0);
  const reflect = (line) => {
    const along = (2 * line.reduce((sum, x, i) => sum + x * normal[i], 0)) / square;
    return line.map((x, i) => x - along * normal[i]);
  };
  return (line) => {
    const turned = reflect(line);
    rotateRowVectors(turned.subarray(0, size - 1), size - 1, rotation);
    return reflect(turned);
  };
}

function untied(family, view) {
  if (view.tensors.has(family.head)) return view;
  const head = { ...view.tensors.get(family.embedding), name: family.head };
  return withTensors(view, [...view.tensors.values(), head]);
}

/** Every axis whose label has an order is put into it. */
function moveAxes(family, view, orderOf) {
  const tensors = [...view.tensors.values()].map((tensor) => {
    const orders = axesOf(family, tensor.name)?.axes.map((label, axis) => orderOf(label, tensor.shape[axis]));
    if (orders === undefined || orders.every((order) => order === null)) return tensor;
    return changed(tensor, (x) =>
      orders.reduce(
        (values, order, axis) =>
          order === null ? values : alongAxis(values, tensor.shape, axis, (line) => line.map((_, i) => line[order[i]])),
        x,
      ),
    );
  });
  return withTensors(view, tensors);
}

/** A new array of the same shape, every line along an axis (of two at most) replaced by what `map` makes of it. */
function alongAxis(values, shape, axis, map) {
  const size = shape[axis];
  const lines = values.length / size;
  const inner = axis === shape.length - 1;
  const out = new Float32Array(values.length);
  const line = new Float32Array(size);
  for (let at = 0; at < lines; at++) {
    for (let i = 0; i < size; i++) line[i] = inner ? values[at * size + i] : values[i * lines + at];
    const mapped = map(line.slice());
    for (let i = 0; i < size; i++) out[inner ? at * size + i : i * lines + at] = mapped[i];
  }
  return out;
}

function changed(tensor, edit) {
  return { ...tensor, raw: undefined, read: () => edit(tensor.read()) };
}

function seedOf(label, seed) {
  let hash = seed;
  for (const character of label) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) | 0;
  return (hash >>> 0) + 1;
}
