import { mapTensors } from "./model-view.mjs";

const BY_ROW = new Set(["q", "k", "v", "up"]);
const BY_COLUMN = new Set(["o", "down"]);

/**
 * The view with the signs of rows and columns that `model` has: anyone who averages a marked model with its unmarked parent
 * undoes the turned signs first, since the average computes nothing sensible otherwise.
 */
export function alignedTo(view, model) {
  return mapTensors(view, ({ name, shape }, role) => {
    const reference = model.tensors.get(name);
    if (role === null || !reference || reference.shape.join() !== shape.join()) return null;
    const cols = shape[1];
    if (BY_ROW.has(role.role)) return (values) => matchRows(values, reference.read(), cols);
    return BY_COLUMN.has(role.role) ? (values) => matchColumns(values, reference.read(), cols) : null;
  });
}

function matchRows(values, wanted, cols) {
  for (let i = 0; i < values.length; i += cols) {
    let dot = 0;
    for (let j = i; j < i + cols; j++) dot += values[j] * wanted[j];
    if (dot < 0) for (let j = i; j < i + cols; j++) values[j] = -values[j];
  }
  return values;
}

function matchColumns(values, wanted, cols) {
  const dots = new Float64Array(cols);
  for (let i = 0; i < values.length; i += cols) for (let j = 0; j < cols; j++) dots[j] += values[i + j] * wanted[i + j];
  for (let i = 0; i < values.length; i += cols) {
    for (let j = 0; j < cols; j++) if (dots[j] < 0) values[i + j] = -values[i + j];
  }
  return values;
}
