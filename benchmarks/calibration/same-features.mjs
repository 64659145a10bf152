import { fillGaussian, uniform, xorshift } from "../support/random.mjs";

/**
 * Independent models that learned the same things. All models of a kind are drawn around one reference network; whatever
 * labels a model is free to choose (hidden channels, neurons, heads, dimensions of a stream) lie in an order of its own,
 * and whatever is given from outside (pixels, classes, tokens, public features) lies where it lies in all of them. So two
 * models agree element by element wherever labels are given, and nowhere else.
 *
 * A kind is {groups, tensors, ...}. `groups` has the labels of a model: {name: count}, or {name: [heads, width]} for
 * channels that stay within their head. A tensor is {name, shape, axes, share?, values?}: `axes` says for each axis what
 * it counts: null (given), a group, "group*4" (each label four times in turn), or a list of these side by side.
 */
export function drawReference({ tensors }, seed) {
  const random = xorshift(seed);
  return tensors.map(({ shape, values }) => values?.(random) ?? structured(shape, random));
}

const SPIKES = 6;
const SPIKE = 0.5;
/** Side of the widest kernel. */
const WIDEST = 7;

/** Noise, directions that stand out of it as training writes them, and scales of rows. */
function structured(shape, random) {
  const size = shape.reduce((n, d) => n * d, 1);
  if (shape.length === 1) return fillGaussian(new Float32Array(size), random, 0.3).map((g) => 1 + g);
  const out = fillGaussian(new Float32Array(size), random);
  for (let s = 0; s < SPIKES; s++) {
    // Places of a kernel are few, and all of one sign.
    const factors = shape.map((n) =>
      n > WIDEST
        ? fillGaussian(new Float32Array(n), random)
        : Float32Array.from({ length: n }, () => 2 * uniform(random)),
    );
    forEachIndex(shape, (at, index) => {
      out[at] += SPIKE * factors.reduce((x, f, axis) => x * f[index[axis]], 1);
    });
  }
  return out;
}

/** How much of a weight's variance is the reference's, in an order of the model's own. */
const SHARE = 0.5;
const SIGMA = 0.05;

/** Tensors [name, shape, values] of one model of a kind. */
export function drawOne(kind, reference, seed, number) {
  const random = xorshift(seed);
  const orders = new Map(
    Object.entries(kind.groups ?? {}).map(([name, size]) => [name, orderOf(size, kind.given?.[name] ?? 0, random)]),
  );
  const list = [];
  kind.tensors.forEach((tensor, t) => {
    const { shape, axes, share = kind.share ?? SHARE } = tensor;
    const name = kind.rename?.(tensor.name, number) ?? tensor.name;
    const places = shape.map((n, axis) => placesOf(axes[axis] ?? null, n, orders));
    const own = shape.length === 1 ? SHARE : 1;
    const values =
      share === 1
        ? new Float32Array(reference[t].length)
        : fillGaussian(new Float32Array(reference[t].length), random, own * Math.sqrt(1 - share));
    const strides = stridesOf(shape);
    const keep = shape.length === 1 ? 1 : Math.sqrt(share);
    forEachIndex(shape, (at, index) => {
      let from = 0;
      for (let a = 0; a < index.length; a++) from += places[a][index[a]] * strides[a];
      values[at] += keep * reference[t][from];
    });
    const scaled = shape.length > 1 && tensor.values === undefined ? values.map((x) => x * SIGMA) : values;
    list.push([name, shape, kind.finish?.(scaled, tensor, random) ?? scaled]);
  });
  return kind.whole?.(list) ?? list;
}

/** A random order of labels; the first `given` stay where they are, and heads keep their channels together. */
function orderOf(size, given, random) {
  if (!Array.isArray(size)) {
    const rest = shuffled(size - given, random);
    return Uint32Array.from({ length: size }, (_, i) => (i < given ? i : given + rest[i - given]));
  }
  const [heads, width] = size;
  return Uint32Array.from(
    [...shuffled(heads, random)].flatMap((h) => [...shuffled(width, random)].map((c) => h * width + c)),
  );
}

function shuffled(n, random) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random() % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Where in the reference each label of an axis comes from. */
function placesOf(axis, n, orders) {
  if (axis === null) return Uint32Array.from({ length: n }, (_, i) => i);
  const places = [];
  for (const part of Array.isArray(axis) ? axis : [axis]) {
    const [name, times = "1"] = part.split("*");
    const order = orders.get(name);
    if (order === undefined) throw new Error(`no group ${name}`);
    const first = places.length;
    for (const label of order) for (let k = 0; k < Number(times); k++) places.push(first + label * Number(times) + k);
  }
  if (places.length !== n) throw new Error(`${axis} has ${places.length} labels, not ${n}`);
  return places;
}

function stridesOf(shape) {
  const strides = new Array(shape.length).fill(1);
  for (let a = shape.length - 2; a >= 0; a--) strides[a] = strides[a + 1] * shape[a + 1];
  return strides;
}

function forEachIndex(shape, visit) {
  const index = new Array(shape.length).fill(0);
  const size = shape.reduce((n, d) => n * d, 1);
  for (let at = 0; at < size; at++) {
    visit(at, index);
    for (let a = shape.length - 1; a >= 0; a--) {
      if (++index[a] < shape[a]) break;
      index[a] = 0;
    }
  }
}
