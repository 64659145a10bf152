import { classifyNames } from "../../../dist/src/checkpoint/directory.js";
import { modelsOf, weightNames } from "../../../dist/src/checkpoint/folder-models.js";
import { chooseLayout } from "../../../dist/src/checkpoint/layout.js";
import { numberedShard } from "../../../dist/src/checkpoint/numbered-shards.js";
import { needsIndexes, targetsIn } from "../../../dist/src/scan/folder-targets.js";
import { utf8 } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { must, Skipped } from "../invariant.mjs";

const WORDS = [
  "model",
  "pytorch_model",
  "diffusion_pytorch_model",
  "v1-5-pruned-emaonly",
  "adapter_model",
  "a",
  "",
  "A",
];
const VARIANTS = ["", ".fp16", ".non_ema", "-pruned", "_fp8_e4m3fn", ".bf16.fp16"];
const COUNTS = [
  "",
  "-00001-of-00002",
  "-00002-of-00002",
  "-1-of-2",
  "-00000-of-00000",
  "-00003-of-00002",
  "-99999-of-99999",
  "-00001-of-99999999999999999999",
];
const ENDINGS = [
  ".safetensors",
  ".SafeTensors",
  ".sft",
  ".safetensors.index.json",
  ".fingerprint.safetensors",
  ".safetensors.aria2",
  ".bin",
  ".gguf",
  ".safetensors.part",
  ".dvc",
  "",
];

const nameOf = (random) =>
  random.chance(0.15)
    ? hostileText(random)
    : [WORDS, VARIANTS, COUNTS, ENDINGS].map((list) => random.pick(list)).join("");

/** Names in a folder, as a JSON list: which of them are read together. No file is of two models, and none is forgotten. */
export const target = {
  name: "layout",
  extension: "json",
  make(random) {
    const names = Array.from({ length: random.small(24) }, () => nameOf(random));
    if (random.chance(0.3)) names.push("config.json", "model_index.json");
    return utf8(JSON.stringify([...new Set(names)]));
  },
  async check(bytes) {
    const names = namesIn(bytes);
    const listing = await classifyNames(names, "/models/a");
    const known = new Map(listing.indexes.map((name) => [name, listing.safetensors.filter((_, i) => i % 2 === 0)]));
    for (const shardsOf of [new Map(), known]) {
      const models = modelsOf(listing, shardsOf);
      const read = models.flatMap(({ set }) => set.files);
      if (shardsOf.size === 0) {
        must(new Set(read).size === read.length, "a file of two models");
        const all = new Set(models.flatMap(({ set, variants }) => [set, ...variants].flatMap(({ files }) => files)));
        for (const name of weightNames(listing.safetensors)) must(all.has(name), "a weight file of no model");
      }
      const there = new Set(listing.safetensors);
      for (const name of read) must(there.has(name), "a model of a file that is not there");
      targetsIn(listing, shardsOf);
    }
    for (const below of [true, false]) needsIndexes(listing, below);
    for (const name of names) numberedShard(name);
    chooseLayout("/models/a", listing);
  },
};

function namesIn(bytes) {
  try {
    const names = JSON.parse(new TextDecoder().decode(bytes));
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return [...new Set(names)];
  } catch {
    // Skipped below.
  }
  throw new Skipped();
}
