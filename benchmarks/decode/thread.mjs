// One thread of benchmarks/decode.mjs: reads its share of a model's matrices once for each message, after a barrier.
import { existsSync, readFileSync } from "node:fs";
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

/** Nanoseconds that this thread was on a processor, where Linux says so: others' work on the machine is not in it. */
const SCHEDULED = "/proc/thread-self/schedstat";
const pause = new Int32Array(new SharedArrayBuffer(4));
function nanoseconds() {
  if (!existsSync(SCHEDULED)) return performance.now() * 1e6;
  // What a thread has used is counted when it leaves its processor.
  Atomics.wait(pause, 0, 0, 1);
  return Number(readFileSync(SCHEDULED, "utf8").split(" ")[0]);
}

parentPort.on("message", (round) => {
  Atomics.add(gate, 0, 1);
  Atomics.notify(gate, 0);
  for (let there = Atomics.load(gate, 0); there < threads * round; there = Atomics.load(gate, 0)) {
    Atomics.wait(gate, 0, there, 100);
  }
  const begun = nanoseconds();
  for (const { begin, end } of ranges) {
    for (let at = begin; at < end; at += PIECE) {
      const length = Math.min(PIECE, end - at);
      source.readIntoSync(isRows ? memory.subarray(0, length) : arena.u8(pointer, length), at);
    }
  }
  parentPort.postMessage((nanoseconds() - begun) / 1e9);
});
parentPort.postMessage(0);
