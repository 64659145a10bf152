/**
 * What a registry of very many models costs: opening it, indexing it, searching it.
 *
 *   node benchmarks/registry-scale.mjs [--models 1000000] [--codes 8] [--width 4096] [--rounds 5] [--work DIRECTORY]
 *   node benchmarks/registry-scale.mjs --quick
 *
 * Writes such a registry by the library's own functions: one journal line and one record of codes a model, random codes, no
 * fingerprints, for a search reads none. Beside it in the same run: a plain popcount loop over the same codes, in JavaScript and
 * for one pass only, and a copy of them. Prints JSON. Needs the build.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { FINGERPRINT_VERSION } from "../dist/src/fingerprint/fingerprint.js";
import { encodeCodes } from "../dist/src/registry/code-file.js";
import { digestOf } from "../dist/src/registry/digest.js";
import { openIndexedRegistry, openRegistry } from "../dist/src/registry/file-registry.js";
import { machine } from "./support/machine.mjs";

const ITEM_BYTES = 40;
const CODE_BYTES = 32;

if (isMainThread) await main();
else {
  const before = process.memoryUsage();
  const source = openIndexedRegistry(workerData.directory, workerData.index);
  const found = await source.candidates(workerData.suspect, 1);
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  parentPort.postMessage({
    digest: found[0].digest,
    heap: heapUsed - before.heapUsed,
    buffers: arrayBuffers - before.arrayBuffers,
  });
}

async function main() {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      models: { type: "string" },
      codes: { type: "string", default: "8" },
      width: { type: "string", default: "4096" },
      rounds: { type: "string", default: "5" },
      work: { type: "string" },
    },
  });
  const models = Number(values.models ?? (values.quick ? 100_000 : 1_000_000));
  const settings = { models, codes: Number(values.codes), width: Number(values.width), rounds: Number(values.rounds) };
  const work = values.work ?? mkdtempSync(join(tmpdir(), "weightmark-registry-"));
  try {
    const result = await measure(join(work, "registry"), settings);
    process.stdout.write(`${JSON.stringify({ machine: machine(), ...settings, ...result }, null, 1)}\n`);
  } finally {
    if (values.work === undefined) rmSync(work, { recursive: true });
  }
}

async function measure(directory, settings) {
  const written = await timed(async () => generate(directory, settings));
  const suspect = suspectOf(written.value, settings);
  const before = memory();
  const opened = await timed(() => openRegistry(directory));
  const registry = opened.value;
  const afterOpen = memory();
  const digested = await timed(async () => registry.digest);
  const indexed = await timed(() => registry.index());
  const afterIndex = memory();
  const searches = [];
  for (let round = 0; round < settings.rounds; round++) {
    const { ms, value } = await timed(() => registry.candidates(suspect, 8));
    if (value[0].digest !== written.value.digest) throw new Error("the model that was looked for is not the first");
    searches.push(ms);
  }
  const index = indexed.value;
  const thread = await timed(() => inThread({ directory, index, suspect }));
  const { codes } = index.codes;
  const copy = await timed(async () => codes.slice());
  const loop = await timed(async () => popcountLoop(codes, suspect[0].code));
  const MB = (bytes) => Math.round(bytes / 1e5) / 10;
  return {
    "generate s": round(written.ms / 1000),
    "open s": seconds(opened),
    "registry digest s": seconds(digested),
    "index s": seconds(indexed),
    "search ms": searches.map(Math.round),
    "search median ms": Math.round(median(searches)),
    "distances per search": settings.models * settings.codes * settings.codes,
    "heap of the entries MB": MB(afterOpen.heapUsed - before.heapUsed),
    "shared index MB": MB(sizeOf(index)),
    "resident MB after indexing": MB(afterIndex.rss),
    "thread on the shared index": {
      "start, open and search ms": Math.round(thread.ms),
      "own heap MB": MB(thread.value.heap),
      "own buffers MB": MB(thread.value.buffers),
    },
    references: {
      "copy of the codes ms": Math.round(copy.ms),
      "plain loop, one code against all, ms": Math.round(loop.ms),
      "plain loop, all codes (by that), ms": Math.round(loop.ms * settings.codes),
    },
    bars: settings.models >= 1e6 && settings.codes === 8 ? { "search <= 1 s": median(searches) <= 1000 } : {},
  };
}

function generate(directory, { models, codes, width }) {
  mkdirSync(join(directory, "fingerprints"), { recursive: true });
  const journal = openSync(join(directory, "journal.jsonl"), "w");
  const codeFile = openSync(join(directory, "codes.bin"), "w");
  const random = words(7);
  let lines = [];
  let records = [];
  let previous = digestOf("");
  let codesLength = 0;
  let generation = 0;
  let wanted = null;
  const flush = () => {
    writeSync(journal, lines.join(""));
    writeSync(codeFile, Buffer.concat(records));
    lines = [];
    records = [];
  };
  for (let model = 0; model < models; model++) {
    const items = new Uint8Array(codes * ITEM_BYTES);
    const view = new Uint32Array(items.buffer);
    for (let i = 0; i < view.length; i++) view[i] = random();
    for (let item = 0; item < codes; item++) {
      view[(item * ITEM_BYTES) / 4] = item % 8;
      view[(item * ITEM_BYTES) / 4 + 1] = width;
    }
    const id = new Uint32Array(8);
    for (let i = 0; i < 8; i++) id[i] = random();
    const digest = Buffer.from(id.buffer).toString("hex");
    const record = encodeCodes(digest, items);
    records.push(record);
    codesLength += record.length;
    const put = {
      ...{ digest, bytes: 1_000_000, version: FINGERPRINT_VERSION, family: "llama", depth: "sampled" },
      ...{ parameters: 7_000_000_000, name: `org-${model % 5000}/model-${model}`, root: model % 100 === 0 },
      addedAt: "2026-01-02T03:04:05.000Z",
    };
    generation++;
    const at = "2026-01-02T03:04:05.000Z";
    const line = JSON.stringify({
      schema: "weightmark/registry-journal@1",
      ...{ generation, at, previous, codesLength, changes: [{ put }] },
    });
    previous = digestOf(line);
    lines.push(`${line}\n`);
    if (model === models >> 1) wanted = { digest, items };
    if (lines.length === 4096) flush();
  }
  flush();
  closeSync(journal);
  closeSync(codeFile);
  writeFileSync(join(directory, "head.json"), `${JSON.stringify({ generation, digest: previous })}\n`);
  return wanted;
}

/** The codes of one of the models, an eighth of their bits flipped. */
function suspectOf({ items }, { codes, width }) {
  const random = words(11);
  return Array.from({ length: codes }, (_, item) => {
    const code = items.slice(item * ITEM_BYTES + 8, (item + 1) * ITEM_BYTES);
    for (let i = 0; i < CODE_BYTES; i++) code[i] ^= 1 << (random() & 7);
    return { component: "language", layer: item, role: "q", cols: width, code };
  });
}

function inThread(data) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: data });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function popcountLoop(codes, code) {
  const stored = new Uint32Array(codes.buffer, codes.byteOffset, codes.length / 4);
  const query = new Uint32Array(code.slice().buffer);
  let least = 256;
  for (let at = 0; at < stored.length; at += 8) {
    let distance = 0;
    for (let k = 0; k < 8; k++) {
      let x = stored[at + k] ^ query[k];
      x -= (x >>> 1) & 0x55555555;
      x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
      distance += Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    if (distance < least) least = distance;
  }
  return least;
}

function words(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

function sizeOf(value) {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  return typeof value === "object" && value !== null
    ? Object.values(value).reduce((sum, one) => sum + sizeOf(one), 0)
    : 0;
}

/** Wall clock, and processor time of all threads, which a busy machine does not change as much. */
async function timed(work) {
  const began = performance.now();
  const used = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(used);
  return { value, ms: performance.now() - began, cpuMs: (user + system) / 1000 };
}

function memory() {
  globalThis.gc?.();
  return process.memoryUsage();
}

function seconds({ ms, cpuMs }) {
  return { wall: round(ms / 1000), processor: round(cpuMs / 1000) };
}

function round(value) {
  return Math.round(value * 100) / 100;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
