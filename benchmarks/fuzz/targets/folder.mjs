import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { adapterBase } from "../../../dist/src/checkpoint/adapter-config.js";
import { openCheckpoint } from "../../../dist/src/checkpoint/open-checkpoint.js";
import { enumerateTargets } from "../../../dist/src/scan/enumerate.js";
import { isItem } from "../../../dist/src/scan/inputs.js";
import { utf8 } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { mustInspectSafely } from "../inspect-report.mjs";
import { must, Skipped } from "../invariant.mjs";
import { changedJson } from "../json-tree.mjs";
import { fileOf, writableName } from "../memory-model.mjs";
import { mustReportSafely } from "../scan-reports.mjs";
import { PARAMETERS } from "../scan-values.mjs";
import { scratch } from "../scratch.mjs";

const INDEX = "model.safetensors.index.json";
const shard = (number) => `model-0000${number}-of-00002.safetensors`;
const OTHERS = [
  "pytorch_model.bin",
  "adapter_config.json",
  "model_index.json",
  "model.safetensors.part",
  "a.fingerprint.safetensors",
  "model.gguf",
];

function someFiles(random) {
  const names = ["a", "b", random.chance(0.2) ? writableName(hostileText(random)) : "c"];
  const tensors = [...new Set(names)].map((name) => ({ name, dtype: "U8", shape: [2] }));
  const weights = (list) => Buffer.from(fileOf(random, list)).toString("latin1");
  const files = {
    [shard(1)]: weights(tensors.slice(0, 2)),
    [shard(2)]: weights(tensors.slice(2)),
    [INDEX]: changedJson(random, {
      metadata: { total_size: 6 },
      weight_map: { a: shard(1), b: shard(1), [names[2]]: shard(2) },
    }),
    "config.json": changedJson(random, { model_type: "llama", hidden_size: 2 }),
  };
  for (let left = random.small(4); left > 0; left--) {
    const name = random.pick([
      ...Object.keys(files),
      ...OTHERS,
      hostileText(random),
      `${hostileText(random)}.safetensors`,
    ]);
    if (random.chance(0.4)) delete files[name];
    else
      files[name] = random.pick([
        "",
        weights(tensors),
        weights([]),
        "{}",
        "\x80\x02.",
        "version https://git-lfs.github.com/spec/v1\n",
      ]);
  }
  return files;
}

/** A folder on disk, as a JSON object of names and bytes (in latin1): it is opened and listed, and what is said of it printed. */
export const target = {
  name: "folder",
  extension: "json",
  make: (random) => utf8(JSON.stringify(someFiles(random))),
  async check(bytes) {
    const directory = join(scratch(), "models");
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(join(directory, "one"), { recursive: true });
    for (const [name, content] of filesIn(bytes))
      writeFileSync(join(directory, "one", name), Buffer.from(content, "latin1"));
    await checkListed(directory);
    const checkpoint = await openCheckpoint(join(directory, "one"));
    try {
      for (const { path } of checkpoint.files) must(!path.includes("/"), "a file outside of the folder");
      for (const { file, begin, end } of checkpoint.tensors.values()) {
        must(end <= checkpoint.files[file].source.size && begin <= end, "a tensor outside of its file");
      }
      await checkpoint.verifyUnchanged();
      await mustInspectSafely(checkpoint, await adapterBase(checkpoint));
    } finally {
      await checkpoint.close();
    }
  },
};

async function checkListed(directory) {
  const inputs = { locations: [directory], organisations: [], list: null };
  const options = { include: [], exclude: [], remote: null, stored: async () => null, allowLinks: [] };
  const items = [];
  for await (const found of enumerateTargets(inputs, options)) {
    if (isItem(found)) items.push(found);
    else must(found.location.startsWith(directory), "a target outside of the folder");
  }
  await mustReportSafely(items, PARAMETERS);
}

/** Names that a file system takes: no other can stand in a folder. */
function filesIn(bytes) {
  try {
    const files = Object.entries(JSON.parse(new TextDecoder().decode(bytes)));
    if (files.length < 30 && files.every(([, content]) => typeof content === "string")) {
      return files.filter(
        ([name]) => /^[^/\0]+$/.test(name) && !/^\.{1,2}$/.test(name) && Buffer.byteLength(name) < 250,
      );
    }
  } catch {
    // Skipped below.
  }
  throw new Skipped();
}
