/**
 * What is fuzzed, by name, and how many of all inputs each is given, in parts: more where inputs are cheap or faults would be
 * dear. Each target is a file that exports `target`:
 *
 *   name       also the name of its folder in the corpus
 *   extension  of its files there
 *   make       (random) => bytes of an input; the same choices, the same bytes
 *   check      (bytes) => nothing when the input is accepted; throws a WeightmarkError where it is refused, `Skipped` where
 *              it says nothing, and what else it throws is a find
 */
export const TARGETS = new Map([
  ["safetensors", 4],
  ["arrays", 4],
  ["archive", 3],
  ["ctranslate2", 3],
  ["gguf", 3],
  ["onnx", 4],
  ["model", 1],
  ["foreign", 3],
  ["shard-index", 3],
  ["layout", 3],
  ["folder", 1],
  ["config", 2],
  ["tokenizer", 2],
  ["token-ids", 1],
  ["fingerprint", 1],
  ["deep-part", 1],
  ["registry-journal", 2],
  ["registry-archive", 2],
  ["registry-codes", 2],
  ["registry-lock", 1],
  ["scan-journal", 2],
  ["scan-cache", 1],
  ["scan-list", 2],
  ["key-file", 2],
  ["sketch", 2],
  ["signature", 2],
  ["timestamp", 2],
  ["commitment", 2],
  ["hub", 2],
  ["http-range", 3],
  ["http-wait", 2],
  ["location", 3],
  ["report", 2],
]);

export async function loadTarget(name) {
  if (!TARGETS.has(name)) throw new Error(`no target is called ${name}: ${[...TARGETS.keys()].join(", ")}`);
  return (await import(`./targets/${name}.mjs`)).target;
}

/** How many of `inputs` each of the named targets is given. */
export function sharesOf(names, inputs) {
  const parts = names.reduce((sum, name) => sum + TARGETS.get(name), 0);
  return new Map(names.map((name) => [name, Math.max(1, Math.round((inputs * TARGETS.get(name)) / parts))]));
}
