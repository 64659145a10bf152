// Puts together the file that torch.save makes of a model, out of the model's safetensors and what torch writes around them.
// The bytes are torch's (tests/interop/containers.mjs holds them against it), without the weights lying here twice.
//
//   node examples/torch-file.mjs OUT
import { readFileSync, writeFileSync } from "node:fs";

const [out] = process.argv.slice(2);
if (out === undefined) {
  console.error("node examples/torch-file.mjs OUT");
  process.exit(64);
}
const read = (path) => readFileSync(new URL(path, import.meta.url));
const { weights, parts } = JSON.parse(read("containers/leaked.pt.json"));
const stored = read(weights);
writeFileSync(
  out,
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "base64") : stored.subarray(...part))),
  ),
);
