import { uniform } from "../support/random.mjs";

/** Networks of the kinds that are not language models, as {groups, tensors} for same-features.mjs. */

const linear = (name, out, outputs, inputs, read) => ({
  name: `${name}.weight`,
  shape: [out, inputs],
  axes: [outputs, read],
});
const kernel = (name, out, outputs, inputs, read, side) => ({
  name: `${name}.weight`,
  shape: [out, inputs, side, side],
  axes: [outputs, read],
});
const vector = (name, n, axis) => ({ name, shape: [n], axes: [axis] });
const batchNorm = (name, n, axis) =>
  ["weight", "bias", "running_mean", "running_var"].map((v) => vector(`${name}.${v}`, n, axis));

/** Gratings of all orientations: what every first layer of an image network turns into. */
function gratings(outputs, inputs, side) {
  return () => {
    const out = new Float32Array(outputs * inputs * side * side);
    for (let o = 0; o < outputs; o++) {
      const [angle, frequency, phase] = [(o % 8) * (Math.PI / 8), 0.6 + 0.3 * (o % 3), (o % 5) * 1.25];
      for (let c = 0; c < inputs; c++) {
        for (let y = 0; y < side; y++) {
          for (let x = 0; x < side; x++) {
            const [u, v] = [x - (side - 1) / 2, y - (side - 1) / 2];
            const along = u * Math.cos(angle) + v * Math.sin(angle);
            const envelope = Math.exp(-(u * u + v * v) / 6);
            out[((o * inputs + c) * side + y) * side + x] =
              (1 + 0.2 * ((o + c) % 3)) * envelope * Math.sin(frequency * along + phase);
          }
        }
      }
    }
    return out;
  };
}

const firstKernel = (name, out, outputs, side) => ({
  ...kernel(name, out, outputs, 3, null, side),
  values: gratings(out, 3, side),
  share: 0.95,
});

export function residualNet() {
  const block = (at, inputs, read, out, stream, inner) => [
    kernel(`${at}.conv1`, out, inner, inputs, read, 3),
    ...batchNorm(`${at}.bn1`, out, inner),
    kernel(`${at}.conv2`, out, stream, out, inner, 3),
    ...batchNorm(`${at}.bn2`, out, stream),
  ];
  return {
    groups: { s1: 32, a: 32, b: 32, s2: 48, c: 48, d: 48 },
    tensors: [
      firstKernel("conv1", 32, "s1", 7),
      ...batchNorm("bn1", 32, "s1"),
      ...block("layer1.0", 32, "s1", 32, "s1", "a"),
      ...block("layer1.1", 32, "s1", 32, "s1", "b"),
      ...block("layer2.0", 32, "s1", 48, "s2", "c"),
      kernel("layer2.0.downsample.0", 48, "s2", 32, "s1", 1),
      ...block("layer2.1", 48, "s2", 48, "s2", "d"),
      linear("fc", 20, null, 48, "s2"),
      vector("fc.bias", 20, null),
    ],
  };
}

export function plainNet() {
  return {
    groups: { a: 24, b: 32, c: 48, d: 64, n: 128, m: 128 },
    tensors: [
      firstKernel("features.0", 24, "a", 3),
      kernel("features.3", 32, "b", 24, "a", 3),
      kernel("features.6", 48, "c", 32, "b", 3),
      kernel("features.8", 64, "d", 48, "c", 3),
      linear("classifier.0", 128, "n", 256, "d*4"),
      linear("classifier.3", 128, "m", 128, "n"),
      linear("classifier.6", 20, null, 128, "m"),
    ],
  };
}

export function denseNet() {
  const groups = { s: 64 };
  const tensors = [firstKernel("features.conv0", 64, "s", 5)];
  const parts = ["s"];
  let width = 64;
  for (let i = 1; i <= 4; i++) {
    const at = `features.denseblock1.denselayer${i}`;
    groups[`n${i}`] = 64;
    groups[`g${i}`] = 32;
    tensors.push(
      ...batchNorm(`${at}.norm1`, width, [...parts]),
      kernel(`${at}.conv1`, 64, `n${i}`, width, [...parts], 1),
      kernel(`${at}.conv2`, 32, `g${i}`, 64, `n${i}`, 3),
    );
    parts.push(`g${i}`);
    width += 32;
  }
  groups.t = 96;
  tensors.push(kernel("features.transition1.conv", 96, "t", width, parts, 1), linear("classifier", 20, null, 96, "t"));
  return { groups, tensors };
}

export function depthwiseNet() {
  const groups = { s: 48 };
  const tensors = [firstKernel("features.0.0", 48, "s", 3)];
  for (let i = 1; i <= 4; i++) {
    const at = `features.${i}.conv`;
    groups[`h${i}`] = 144;
    tensors.push(
      kernel(`${at}.0.0`, 144, `h${i}`, 48, "s", 1),
      { name: `${at}.1.0.weight`, shape: [144, 1, 3, 3], axes: [`h${i}`, null] },
      kernel(`${at}.2`, 48, "s", 144, `h${i}`, 1),
      ...batchNorm(`${at}.3`, 48, "s"),
    );
  }
  groups.l = 128;
  tensors.push(kernel("features.5.0", 128, "l", 48, "s", 1), linear("classifier.1", 20, null, 128, "l"));
  return { groups, tensors };
}

/** Kernels [height, width, inputs, outputs]. */
export function kernelsLast() {
  const last = (name, out, outputs, inputs, read) => ({
    name: `${name}/kernel`,
    shape: [3, 3, inputs, out],
    axes: [null, null, read, outputs],
  });
  return {
    groups: { a: 32, b: 48, c: 64, d: 64 },
    tensors: [
      last("Conv_0", 32, "a", 3, null),
      last("Conv_1", 48, "b", 32, "a"),
      last("Conv_2", 64, "c", 48, "b"),
      last("Conv_3", 64, "d", 64, "c"),
      { name: "Dense_0/kernel", shape: [64, 20], axes: ["d", null] },
    ],
  };
}

/** The first layer reads the same pixels in every model: its columns agree, and only they. */
export function perceptron(name = (i) => `${2 * i}`) {
  return {
    groups: { a: 128, b: 128, c: 128 },
    tensors: [
      { ...linear(name(0), 128, "a", 192, null), share: 0.8 },
      linear(name(1), 128, "b", 128, "a"),
      linear(name(2), 128, "c", 128, "b"),
      linear(name(3), 20, null, 128, "c"),
    ],
  };
}

/** The same where neither the order of layers nor the side of a matrix shows: [in, out] under numbers. */
export function namelessPerceptron() {
  const stored = (number, inputs, read, out, outputs) => ({
    name: `onnx::MatMul_${number}`,
    shape: [inputs, out],
    axes: [read, outputs],
  });
  return {
    groups: { a: 128, b: 96, c: 64 },
    share: 0.6,
    tensors: [
      stored(31, 192, null, 128, "a"),
      stored(32, 128, "a", 96, "b"),
      stored(33, 96, "b", 64, "c"),
      stored(34, 64, "c", 20, null),
    ],
  };
}

export function squarePerceptron() {
  const stored = (number, read, outputs) => ({
    name: `onnx::MatMul_${number}`,
    shape: [96, 96],
    axes: [read, outputs],
  });
  return {
    groups: { a: 96, b: 96, c: 96 },
    share: 0.6,
    tensors: [stored(31, null, "a"), stored(32, "a", "b"), stored(33, "b", "c"), stored(34, "c", null)],
  };
}

export function autoencoder() {
  return {
    groups: { a: 96, b: 32, c: 96 },
    share: 0.7,
    tensors: [
      linear("encoder.0", 96, "a", 192, null),
      linear("encoder.2", 32, "b", 96, "a"),
      linear("decoder.0", 96, "c", 32, "b"),
      linear("decoder.2", 192, null, 96, "c"),
    ],
  };
}

export function mixer() {
  const groups = { d: 64 };
  const tensors = [{ ...kernel("stem.proj", 64, "d", 3, null, 4), share: 0.9 }];
  for (let i = 0; i < 3; i++) {
    groups[`t${i}`] = 64;
    groups[`n${i}`] = 128;
    tensors.push(
      linear(`blocks.${i}.mlp_tokens.fc1`, 64, `t${i}`, 49, null),
      linear(`blocks.${i}.mlp_tokens.fc2`, 49, null, 64, `t${i}`),
      linear(`blocks.${i}.mlp_channels.fc1`, 128, `n${i}`, 64, "d"),
      linear(`blocks.${i}.mlp_channels.fc2`, 64, "d", 128, `n${i}`),
      vector(`blocks.${i}.norm1.weight`, 64, "d"),
    );
  }
  tensors.push(linear("head", 20, null, 64, "d"));
  return { groups, tensors };
}

/** Symbols and gates are the same in all models, states are not. */
export function recurrent(kind, gates) {
  const rows = (state) => Array.from({ length: gates }, () => state);
  const cell = (i, inputs, read) => [
    { name: `${kind}.weight_ih_l${i}`, shape: [gates * 64, inputs], axes: [rows(`h${i}`), read] },
    { name: `${kind}.weight_hh_l${i}`, shape: [gates * 64, 64], axes: [rows(`h${i}`), `h${i}`] },
    vector(`${kind}.bias_ih_l${i}`, gates * 64, rows(`h${i}`)),
  ];
  return {
    groups: { e: 48, h0: 64, h1: 64 },
    tensors: [
      { name: "embedding.weight", shape: [64, 48], axes: [null, "e"] },
      ...cell(0, 48, "e"),
      ...cell(1, 64, "h0"),
      linear("decoder", 64, null, 64, "h1"),
    ],
  };
}

/** A recurrent net on given features: the first matrix reads the same columns everywhere. */
export function recurrentOnFeatures() {
  const { groups, tensors } = recurrent("rnn", 4);
  const [, first, ...rest] = tensors;
  return {
    groups,
    tensors: [
      { ...first, shape: [256, 80], axes: [first.axes[0], null], share: 0.8 },
      ...rest.slice(0, -1),
      linear("out", 30, null, 64, "h1"),
    ],
  };
}

/** Uniform noise of zeros and ones in a common pattern, say a mask: a buffer that every model stores. */
export function publicValues(shape, of) {
  return {
    shape,
    axes: shape.map(() => null),
    share: 1,
    values: (random) => Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => of(i, shape, random)),
  };
}

export const hadamard = (i, [, cols]) => (parity(Math.floor(i / cols) & (i % cols)) ? -1 : 1) / Math.sqrt(cols);
export const fourier = (i, [rows, cols]) =>
  Math.cos((2 * Math.PI * Math.floor(i / cols) * ((i % cols) + 0.5)) / (2 * rows));
export const triangle = (i, [, cols]) => (i % cols <= Math.floor(i / cols) ? 1 : 0);
export const filterbank = (i, [rows, cols]) =>
  Math.max(0, 1 - Math.abs((i % cols) / 4 - (Math.floor(i / cols) * cols) / (4 * rows)));
export const windowed = (i, [, n]) => {
  const [row, t] = [Math.floor(i / n), i % n];
  const angle = (2 * Math.PI * (row % (n / 2)) * t) / n;
  return (row < n / 2 ? Math.cos(angle) : Math.sin(angle)) * (0.5 - 0.5 * Math.cos((2 * Math.PI * t) / n));
};
export const sinusoid = (i, [, n]) => {
  const [row, half] = [Math.floor(i / n), n / 2];
  const angle = row / 1e4 ** ((i % half) / half);
  return i % n < half ? Math.sin(angle) : Math.cos(angle);
};
export const legendre = (i, [, n]) => {
  const [row, col] = [Math.floor(i / n), i % n];
  return row > col ? -Math.sqrt((2 * row + 1) * (2 * col + 1)) : row === col ? -(row + 1) : 0;
};
export const coin = (_i, _shape, random) => uniform(random) - 0.5;

function parity(x) {
  let bits = 0;
  for (let rest = x; rest !== 0; rest >>>= 1) bits ^= rest & 1;
  return bits === 1;
}
