import type { Model, ModelTensor } from "./random-model.ts";

/** The same model with the layers of every parameter in one tensor, counted by its first axis, or by the next. */
export function stackLayers(model: Model, axis: 0 | 1 = 0): Model {
  const out = new Map<string, ModelTensor>();
  const stacks = new Map<string, ModelTensor[]>();
  for (const [name, tensor] of model) {
    const match = /^(.*\.(?:layers|layer))\.\d+\.(.*)$/.exec(name);
    if (match === null) out.set(name, tensor);
    else stacks.set(`${match[1]}.${match[2]}`, [...(stacks.get(`${match[1]}.${match[2]}`) ?? []), tensor]);
  }
  for (const [name, layers] of stacks) out.set(name, axis === 0 ? stacked(layers) : between(layers));
  return out;
}

function stacked(layers: readonly ModelTensor[]): ModelTensor {
  const [{ shape, dtype, values }] = layers as readonly [ModelTensor];
  const all = new Float32Array(layers.length * values.length);
  layers.forEach((layer, i) => {
    all.set(layer.values, i * values.length);
  });
  return { shape: [layers.length, ...shape], dtype, values: all };
}

/** [d, L] and [out, L, in]. */
function between(layers: readonly ModelTensor[]): ModelTensor {
  const [{ shape, dtype, values }] = layers as readonly [ModelTensor];
  const [rows, ...rest] = shape as readonly [number, ...number[]];
  const cols = values.length / rows;
  const all = new Float32Array(layers.length * values.length);
  layers.forEach((layer, i) => {
    for (let row = 0; row < rows; row++) {
      all.set(layer.values.subarray(row * cols, (row + 1) * cols), (row * layers.length + i) * cols);
    }
  });
  return { shape: [rows, layers.length, ...rest], dtype, values: all };
}
