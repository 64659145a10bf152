/**
 * What layer-norm weights say of two models of one shape: their cosine, which some tools take for a sign of common descent.
 *
 *   node benchmarks/norm-cosine.mjs MODEL MODEL
 *
 * Prints the least and the median cosine over all norms that both have. Independent models have nearly the same: gains begin at 1.
 */
import { openCheckpoint } from "../dist/src/index.js";
import { RowReader } from "../dist/src/rows/row-reader.js";

if (process.argv.length !== 4) throw new Error("name two models");
const [a, b] = await Promise.all(process.argv.slice(2).map((path) => normsOf(path)));
const cosines = [...a]
  .flatMap(([name, x]) => (b.get(name)?.length === x.length ? [cosine(x, b.get(name))] : []))
  .sort((x, y) => x - y);
if (cosines.length === 0) throw new Error("the two have no norm in common");
const shown = (value) => value.toFixed(4);
console.log(
  `${cosines.length} norms in common; cosine ${shown(cosines[0])} at least, median ${shown(cosines[cosines.length >> 1])}`,
);

async function normsOf(path) {
  const checkpoint = await openCheckpoint(path);
  const reader = new RowReader(checkpoint);
  const norms = new Map();
  for (const { name, shape } of checkpoint.tensors.values()) {
    if (/norm.*weight$/.test(name) && shape.length === 1) norms.set(name, await reader.elements(name, 0, shape[0]));
  }
  await checkpoint.close();
  return norms;
}

function cosine(x, y) {
  const dot = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}
