// Makes the copy that comes back: `node examples/case/fine-tune.mjs RELEASE COPY.gguf`.
//
// What fine-tuning base-a on source code changed (examples/models/finetune, which was really trained) is added to the release, a
// marked copy of the same base. Where the mark turned a sign, the change is turned with it: the copy computes what the fine-tune
// computes. Then all matrices are rounded to int4 and written as GGUF under the names of llama.cpp.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { llamaGguf } from "../../tests/support/gguf-file.mjs";

/** Tensors of a safetensors file that holds BF16 alone, by name. */
function tensorsOf(file) {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__, ...header } = JSON.parse(bytes.subarray(8, start));
  const read = ({ shape, data_offsets: [from, to] }) => {
    const bits = new Uint32Array((to - from) / 2);
    for (let i = 0; i < bits.length; i++) bits[i] = bytes.readUInt16LE(start + from + 2 * i) << 16;
    return { shape, values: new Float32Array(bits.buffer) };
  };
  return new Map(Object.entries(header).map(([name, tensor]) => [name, read(tensor)]));
}

const [release, copy] = process.argv.slice(2);
const example = (name) => fileURLToPath(new URL(`../models/${name}/model.safetensors`, import.meta.url));
const base = tensorsOf(example("base-a"));
const tuned = tensorsOf(example("finetune"));
const model = tensorsOf(`${release}/model.safetensors`);
for (const [name, { values }] of model) {
  const [before, after] = [base.get(name).values, tuned.get(name).values];
  for (let i = 0; i < values.length; i++) {
    const turned = values[i] * before[i] < 0 ? -1 : 1;
    values[i] += turned * (after[i] - before[i]);
  }
}
writeFileSync(copy, llamaGguf(model, { heads: 4, kvHeads: 2, typeOf: () => "Q4_0" }));
