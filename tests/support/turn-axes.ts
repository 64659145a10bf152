import type { Model, ModelTensor } from "./random-model.ts";

/** The same model with every matrix whose name fits stored as [in, out] instead of [out, in]. */
export function turnAxes(model: Model, which: RegExp): Model {
  return new Map(
    [...model].map(([name, tensor]) => [name, tensor.shape.length === 2 && which.test(name) ? turned(tensor) : tensor]),
  );
}

function turned({ shape, values, dtype }: ModelTensor): ModelTensor {
  const [rows, cols] = shape as [number, number];
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[j * rows + i] = values[i * cols + j]!;
  return { shape: [cols, rows], values: out, dtype };
}
