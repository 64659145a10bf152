/**
 * What reading weights of PyTorch costs beside the same weights in safetensors: processor time of reading every value once, in
 * one process and alternating.
 *
 *   node benchmarks/array-files.mjs [--tensors 8] [--side 2048] [--rounds 5]
 *
 * Prints a line for each form: seconds of processor time, and their ratio to safetensors.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openCheckpoint } from "../dist/src/checkpoint/open-checkpoint.js";
import { serializeSafetensors } from "../dist/src/formats/safetensors/writer.js";
import { RowReader } from "../dist/src/rows/row-reader.js";
import { storage, tensor, torchLegacy, torchZip } from "../tests/support/torch-file.mjs";

const { values } = parseArgs({
  options: {
    tensors: { type: "string", default: "8" },
    side: { type: "string", default: "2048" },
    rounds: { type: "string", default: "5" },
  },
});
const [count, side, rounds] = [values.tensors, values.side, values.rounds].map(Number);
const PIECE = 1 << 18;

/** Tensors of `side` x `side`, laid out by a function of their storage. */
function files() {
  const names = Array.from({ length: count }, (_, i) => `layers.${i}.weight`);
  const elements = side * side;
  const data = names.map((_, i) =>
    Buffer.from(Float32Array.from({ length: elements }, (_, j) => Math.sin(i + j)).buffer),
  );
  const storages = Object.fromEntries(data.map((bytes, i) => [`${i}`, bytes]));
  const dict = (layout) =>
    new Map(names.map((name, i) => [name, tensor(storage(`${i}`, elements), [side, side], layout)]));
  const stepped = new Map(
    names.map((name, i) => [name, tensor(storage(`${i}`, elements), [side, side / 2], { strides: [side, 2] })]),
  );
  return {
    "a.safetensors": serializeSafetensors(
      names.map((name, i) => ({ name, dtype: "F32", shape: [side, side], data: data[i] })),
    ),
    "zip.pt": torchZip(dict(), storages),
    "legacy.pt": torchLegacy(dict(), storages),
    "transposed.pt": torchZip(dict({ strides: [1, side] }), storages),
    "every-second.pt": torchZip(stepped, storages),
    "big-endian.pt": torchZip(dict(), storages, { order: "big" }),
  };
}

/** Processor time of reading every value of a model, in seconds, and how many there were. */
async function cost(path) {
  const checkpoint = await openCheckpoint(path);
  const reader = new RowReader(checkpoint);
  const begun = process.cpuUsage();
  let read = 0;
  for (const { name, shape } of checkpoint.tensors.values()) {
    const elements = shape.reduce((a, b) => a * b, 1);
    for (let at = 0; at < elements; at += PIECE)
      read += (await reader.elements(name, at, Math.min(PIECE, elements - at))).length;
  }
  const { user, system } = process.cpuUsage(begun);
  await checkpoint.close();
  return { seconds: (user + system) / 1e6, read };
}

const directory = mkdtempSync(join(tmpdir(), "weightmark-array-files-"));
try {
  const made = Object.entries(files());
  for (const [name, bytes] of made) writeFileSync(join(directory, name), bytes);
  const best = new Map(made.map(([name]) => [name, Number.POSITIVE_INFINITY]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name] of made) {
      const { seconds, read } = await cost(join(directory, name));
      // The first round warms up.
      if (round > 0) best.set(name, Math.min(best.get(name), seconds / read));
    }
  }
  const plain = best.get("a.safetensors");
  for (const [name, seconds] of best) {
    console.log(
      `${name.padEnd(18)} ${(4 / seconds / 1e6).toFixed(0).padStart(6)} MB/s of values, ${(seconds / plain).toFixed(2)} times the processor time`,
    );
  }
} finally {
  rmSync(directory, { recursive: true });
}
