import { isLinear, roleOf } from "./model-view.mjs";

const LAYERS_LOOKED_AT = 4;

/**
 * How much of the marked model's direction is left in the same coordinates: the mean correlation of rows, which ignores
 * their scale as the detectors do. Over the matrices of up to four layers, and over the embedding; null where a shape
 * or a name is not the same, because then nothing can be said without the sketch.
 */
export function similarity(marked, suspect) {
  const layers = marked.config.num_hidden_layers;
  const step = Math.max(1, Math.floor(layers / LAYERS_LOOKED_AT));
  const linear = [];
  const embedding = [];
  for (const { name } of marked.tensors.values()) {
    const role = roleOf(name);
    if (isLinear(role) && role.layer % step === 0) linear.push(name);
    if (role?.role === "embedding") embedding.push(name);
  }
  return { linear: meanCorrelation(marked, suspect, linear), embedding: meanCorrelation(marked, suspect, embedding) };
}

function meanCorrelation(marked, suspect, names) {
  let sum = 0;
  let weights = 0;
  for (const name of names) {
    const ours = marked.tensors.get(name);
    const theirs = suspect.tensors.get(name);
    if (!theirs || theirs.shape[1] !== ours.shape[1] || theirs.shape[0] < ours.shape[0]) return null;
    const a = ours.read();
    sum += sumOverRows(a, theirs.read(), ours.shape[1]);
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
