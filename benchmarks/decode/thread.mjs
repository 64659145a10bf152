// One thread of benchmarks/decode.mjs: reads its share of a model's matrices once for each message, after a barrier.
import { parentPort, workerData } from "node:worker_threads";
import { openFileSource } from "../../dist/src/bytes/file-source.js";
import { openCheckpoint } from "../../dist/src/checkpoint/open-checkpoint.js";
import { loadKernels } from "../../dist/src/kernels/load-kernels.js";

/** Bytes asked for at a time: what the full pass reads. */
const PIECE = 1 << 19;
const { path, what, index, threads, barrier } = workerData;
const gate = new Int32Array(barrier);
const { arena } = loadKernels();
const pointer = arena.alloc(PIECE);
arena.scope(() => arena.alloc(8 << 20)); // TEMP

/** What is read, and whether to the memory of kernels, as the full pass does, or to memory of JavaScript, as rows are. */
const open = {
  async stored() {
    const source = await openFileSource(path);
    const length = Math.floor(source.size / threads);
    return { source, ranges: [{ begin: index * length, end: (index + 1) * length }], isRows: true };
  },
  values: () => decoded(false),
  rows: () => decoded(true),
};

async function decoded(isRows) {
  const checkpoint = await openCheckpoint(path);
  const matrices = [...checkpoint.tensors.values()];
  const { source } = checkpoint.files[matrices[0].file];
  return { source, ranges: matrices.filter((_, i) => i % threads === index), isRows };
}

const { source, ranges, isRows } = await open[what]();
const memory = new Uint8Array(PIECE);
parentPort.on("message", (round) => {
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < threads * round) Atomics.pause?.();
  const begun = performance.now();
  for (const { begin, end } of ranges) {
    for (let at = begin; at < end; at += PIECE) {
      const length = Math.min(PIECE, end - at);
      source.readIntoSync(isRows ? memory.subarray(0, length) : arena.u8(pointer, length), at);
    }
  }
  parentPort.postMessage((performance.now() - begun) / 1000);
});
parentPort.postMessage(0);
