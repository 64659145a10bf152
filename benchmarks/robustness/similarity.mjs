import { isLinear, roleOf } from "./model-view.mjs";

const LAYERS_LOOKED_AT = 2;

/** Rounds of balancing, as many as the detector takes. */
const ROUNDS = 4;

/**
 * How much of the marked model's direction is left in the same coordinates: the mean correlation of rows once columns
 * have unit scale, so that scales of rows and columns do not count, as they do not for the detectors. Over the matrices of
 * up to two layers, and over the embedding, whose columns are taken as they are; null where a shape or a name is not the
 * same, because then nothing can be said without the sketch.
 */
export function similarity(marked, suspect) {
  const layers = marked.config.num_hidden_layers;
  const step = Math.ceil(layers / LAYERS_LOOKED_AT);
  const linear = [];
  const embedding = [];
  for (const { name } of marked.tensors.values()) {
    const role = roleOf(name);
    if (isLinear(role) && role.layer % step === 0) linear.push(name);
    if (role?.role === "embedding") embedding.push(name);
  }
  return {
    linear: meanCorrelation(marked, suspect, linear, balanceColumns),
    embedding: meanCorrelation(marked, suspect, embedding, (values) => values),
  };
}

function meanCorrelation(marked, suspect, names, prepare) {
  let sum = 0;
  let weights = 0;
  for (const name of names) {
    const ours = marked.tensors.get(name);
    const theirs = suspect.tensors.get(name);
    if (!theirs || theirs.shape[1] !== ours.shape[1] || theirs.shape[0] < ours.shape[0]) return null;
    const cols = ours.shape[1];
    const a = prepare(ours.read(), cols);
    sum += sumOverRows(a, prepare(theirs.read(), cols), cols);
    weights += a.length;
  }
  return weights === 0 ? null : sum / weights;
}

/** Sum over rows of correlation times length; a row of zeros counts as lost. */
function sumOverRows(a, b, cols) {
  let sum = 0;
  for (let i = 0; i < a.length; i += cols) {
    let ab = 0;
    let aa = 0;
    let bb = 0;
    for (let j = i; j < i + cols; j++) {
      ab += a[j] * b[j];
      aa += a[j] * a[j];
      bb += b[j] * b[j];
    }
    if (aa > 0 && bb > 0) sum += (cols * ab) / Math.sqrt(aa * bb);
  }
  return sum;
}

/** Divides every column by its RMS over rows of unit RMS, in place. */
function balanceColumns(values, cols) {
  for (let round = 0; round < ROUNDS; round++) {
    const squares = new Float64Array(cols);
    for (let i = 0; i < values.length; i += cols) {
      let row = 0;
      for (let j = i; j < i + cols; j++) row += values[j] * values[j];
      if (row > 0) for (let j = 0; j < cols; j++) squares[j] += (values[i + j] * values[i + j] * cols) / row;
    }
    const factors = squares.map((square) => (square > 0 ? Math.sqrt(values.length / cols / square) : 0));
    for (let i = 0; i < values.length; i += cols) for (let j = 0; j < cols; j++) values[i + j] *= factors[j];
  }
  return values;
}
