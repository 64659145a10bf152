import { readFileSync } from "node:fs";
import { configCount, textConfig } from "../../../dist/src/anatomy/config-fields.js";
import { describeAnatomy } from "../../../dist/src/anatomy/describe.js";
import { memorySource } from "../../../dist/src/bytes/memory-source.js";
import { adapterBase, MAX_BASE_NAME } from "../../../dist/src/checkpoint/adapter-config.js";
import { contradictions, readConfig } from "../../../dist/src/checkpoint/config.js";
import { WeightmarkError } from "../../../dist/src/errors.js";
import { openModel } from "../../../dist/src/quality/model.js";
import { rotaryTable } from "../../../dist/src/quality/rotary.js";
import { joined, roughly } from "../bytes.mjs";
import { must } from "../invariant.mjs";
import { changedJson } from "../json-tree.mjs";

const FAMILIES = [
  "llama-llama3",
  "gpt2",
  "gpt-neox",
  "gemma2",
  "gemma3",
  "mistral",
  "qwen2-windows",
  "qwen3-biased",
].map((name) =>
  JSON.parse(readFileSync(new URL(`../../../tests/fixtures/forward/${name}.json`, import.meta.url), "utf8")),
);
const ADAPTER = { base_model_name_or_path: "acme/base", peft_type: "LORA", r: 8, target_modules: ["q_proj"] };

/**
 * What lies beside the weights: config.json never decides, whatever stands in it, and a model is run by it only as far as the
 * shapes bear it out. The first byte of an input says which family's shapes the model has.
 */
export const target = {
  name: "config",
  extension: "bin",
  make(random) {
    const family = random.below(FAMILIES.length);
    const value = random.chance(0.05) ? ADAPTER : FAMILIES[family].config;
    const other = { ...value, ...random.pick(FAMILIES).config, text_config: value };
    const text = changedJson(random, random.chance(0.1) ? other : value);
    return joined(Uint8Array.of(family), roughly(random, text, JSON.stringify(other)));
  },
  async check(bytes) {
    const beside = bytes.slice(1);
    const { shapes } = FAMILIES[(bytes[0] ?? 0) % FAMILIES.length];
    const folder = { open: async () => ({ source: memorySource(beside, "config.json"), absolutePath: null }) };
    const base = await adapterBase({ readBeside: async () => beside });
    must(base === null || (typeof base === "string" && base.length <= MAX_BASE_NAME), "a base that is no name");
    const { config, problem, notes } = await readConfig(folder);
    must((config === null) === (problem !== null), "a config that is not there for no reason");
    must(config !== null || notes.length > 0, "a config that is ignored without a note");
    if (config === null) throw new WeightmarkError("FORWARD_UNSUPPORTED", problem);
    must(Object.getPrototypeOf(config) === null && {}.polluted === undefined, "a config with a prototype");
    const checkpoint = checkpointOf(shapes, config, problem);
    contradictions(config, checkpoint.tensors.values());
    const text = textConfig(config);
    for (const keys of [["num_attention_heads", "n_head"], ["num_key_value_heads"], ["head_dim"]]) {
      const count = configCount(text, keys);
      must(count === null || (Number.isSafeInteger(count) && count > 0), "a count that is none");
    }
    describeAnatomy(checkpoint.tensors, config);
    const { architecture } = openModel(checkpoint);
    for (const { rotary } of architecture.layers) {
      if (rotary !== null) rotaryTable(rotary, Math.min(architecture.positions, 16));
    }
  },
};

function checkpointOf(shapes, config, configProblem) {
  const tensors = new Map();
  let begin = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const end = begin + 4 * shape.reduce((product, size) => product * size, 1);
    tensors.set(name, { name, dtype: "F32", shape, begin, end, file: 0 });
    begin = end;
  }
  const source = { location: "model", size: begin, read: async (from, to) => new Uint8Array(to - from) };
  const files = [{ path: "model.safetensors", absolutePath: null, source }];
  return { location: "model", container: "safetensors", files, tensors, config, configProblem, notes: [] };
}
