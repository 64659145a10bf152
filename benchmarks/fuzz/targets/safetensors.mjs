import { memorySource } from "../../../dist/src/bytes/memory-source.js";
import { readSafetensorsHeader } from "../../../dist/src/formats/safetensors/header.js";
import { serializeSafetensors } from "../../../dist/src/formats/safetensors/writer.js";
import { changedBytes } from "../bytes.mjs";
import { must, mustEqual, parsedJson } from "../invariant.mjs";
import { tensorFile } from "../tensor-file.mjs";

/** Whole files: what is accepted lies within the file, without overlap, and is read back the same when it is written. */
export const target = {
  name: "safetensors",
  extension: "bin",
  make(random) {
    const file = tensorFile(random);
    return random.chance(0.1) ? changedBytes(random, file, tensorFile(random)) : file;
  },
  async check(bytes) {
    const read = await readSafetensorsHeader(memorySource(bytes, "a.safetensors"));
    const tensors = [...read.tensors.values()];
    let at = null;
    for (const { name, begin, end } of tensors) {
      must(read.tensors.get(name)?.begin === begin, "a tensor is not found by its name");
      must(at === null || begin === at, "the tensors do not follow each other");
      must(begin <= end && end <= bytes.length, "a tensor lies outside of the file");
      at = end;
    }
    must(at === null || at === bytes.length, "the tensors do not end where the file ends");
    mustEqual(sorted(announced(bytes)), sorted(contentsOf(read, bytes)), "what JSON.parse reads in the header");
    const withData = tensors.map((tensor) => ({ ...tensor, data: bytes.subarray(tensor.begin, tensor.end) }));
    const written = serializeSafetensors(withData, read.metadata);
    const again = await readSafetensorsHeader(memorySource(written, "again.safetensors"));
    mustEqual(sorted(contentsOf(again, written)), sorted(contentsOf(read, bytes)), "tensors that were written");
    mustEqual(sorted(again.metadata), sorted(read.metadata), "metadata that were written");
  },
};

function contentsOf({ tensors }, bytes) {
  return [...tensors.values()].map(({ name, dtype, shape, begin, end }) => {
    return [name, dtype, [...shape], Buffer.from(bytes.subarray(begin, end)).toString("hex")];
  });
}

/** The same read in another way. */
function announced(bytes) {
  const length = Number(Buffer.from(bytes).readBigUInt64LE());
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, 8 + length));
  const entries = Object.entries(parsedJson(text, "a header that was accepted"));
  return entries
    .filter(([name]) => name !== "__metadata__")
    .map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => {
        return [name, dtype, shape, Buffer.from(bytes.subarray(8 + length + begin, 8 + length + end)).toString("hex")];
      },
    );
}

function sorted(pairs) {
  return [...pairs].sort(([a], [b]) => (a < b ? -1 : 1));
}
