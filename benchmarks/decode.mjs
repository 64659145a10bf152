/**
 * What it costs to decode what is stored quantised, beside reading the same file warm and beside the Python reference on the
 * same rows, all in the same rounds.
 *
 *   node benchmarks/decode.mjs [--kinds Q4_K,NF4] [--rows 4096] [--cols 4096] [--matrices 4] [--rounds 7]
 *                              [--python INTERPRETER] [--work DIRECTORY]
 *
 * The interpreter has numpy, gguf, torch and safetensors; without one its columns are left out. Each kind is a made file of
 * `matrices` matrices. `read` is the rate at which one thread reads the file's bytes from the cache; all rates are stored bytes
 * a second, the best of the rounds, so that `read` and they count the same thing. "values" are written where kernels take
 * them, as the full pass reads; "rows" to memory of JavaScript, as rows are read. Seconds are those that a thread was on a
 * processor, of two threads the longer one's, where the system counts them. So are those of the reference, which is one
 * thread of numpy, or torch, whose time is divided by its two threads in the columns of two threads.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { KINDS } from "./decode/kinds.mjs";
import { machine } from "./support/machine.mjs";
import { run } from "./support/process.mjs";

const THREAD = new URL("./decode/thread.mjs", import.meta.url);
const REFERENCE = fileURLToPath(new URL("./reference/decode_rows.py", import.meta.url));

const { values } = parseArgs({
  options: {
    kinds: { type: "string", default: [...KINDS.keys()].join(",") },
    rows: { type: "string", default: "4096" },
    cols: { type: "string", default: "4096" },
    matrices: { type: "string", default: "4" },
    rounds: { type: "string", default: "7" },
    python: { type: "string" },
    work: { type: "string" },
  },
});
const size = { rows: Number(values.rows), cols: Number(values.cols), count: Number(values.matrices) };

/** Threads that stand ready to do the same thing at the same time, again and again. */
async function openCrew(path, what, threads) {
  const barrier = new SharedArrayBuffer(4);
  const workers = Array.from(
    { length: threads },
    (_, index) => new Worker(THREAD, { workerData: { path, what, index, threads, barrier } }),
  );
  // A thread that fails ends the program.
  const next = (worker) => new Promise((resolve) => worker.once("message", resolve));
  await Promise.all(workers.map(next));
  let round = 0;
  return {
    async seconds() {
      round++;
      const replies = workers.map(next);
      for (const worker of workers) worker.postMessage(round);
      return Math.max(...(await Promise.all(replies)));
    },
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}

async function measure(kind, directory) {
  const [ending, write] = KINDS.get(kind);
  const path = join(directory, `model${ending}`);
  write(path, size);
  const bytes = statSync(path).size;
  const crews = new Map();
  for (const [name, what, threads] of [
    ["read 1", "stored", 1],
    ["read 2", "stored", 2],
    ["values 1", "values", 1],
    ["values 2", "values", 2],
    ["rows 1", "rows", 1],
    ["rows 2", "rows", 2],
  ]) {
    crews.set(name, await openCrew(path, what, threads));
  }
  const best = new Map([...crews.keys(), "reference", "reference 2"].map((name) => [name, Number.POSITIVE_INFINITY]));
  const keep = (name, seconds) => best.set(name, Math.min(best.get(name), seconds));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, crew] of crews) keep(name, await crew.seconds());
    // The reference takes the best of three passes itself.
    if (values.python === undefined || round % 4 > 0) continue;
    const { stdout } = await run(values.python, [REFERENCE, kind, path]);
    keep("reference", Number(stdout));
    keep("reference 2", Number(stdout) / (ending === ".gguf" ? 1 : 2));
  }
  await Promise.all([...crews.values()].map((crew) => crew.close()));
  rmSync(path);
  const nanoseconds = (name) => ((best.get(name) * 1e9) / (size.rows * size.cols * size.count)).toFixed(2);
  const over = (name, of) => (best.get(of) / best.get(name)).toFixed(2);
  const times = (name, of) => (Number.isFinite(best.get(of)) ? over(name, of) : "-");
  return {
    kind,
    "read GB/s": (bytes / best.get("read 1") / 1e9).toFixed(1),
    "ns a value": nanoseconds("values 1"),
    "1 thread / read": over("values 1", "read 1"),
    "2 threads / read": over("values 2", "read 1"),
    "2 / read of 2": over("values 2", "read 2"),
    "rows, 2 / read": over("rows 2", "read 1"),
    "1 x Python": times("values 1", "reference"),
    "2 x Python": times("values 2", "reference 2"),
    "rows, 2 x Python": times("rows 2", "reference 2"),
  };
}

const directory = values.work ?? mkdtempSync(join(tmpdir(), "weightmark-decode-"));
try {
  console.log(JSON.stringify(machine()));
  let isFirst = true;
  for (const kind of values.kinds.split(",")) {
    const row = await measure(kind, directory);
    const columns = Object.keys(row);
    if (isFirst) console.log(`| ${columns.join(" | ")} |\n|${" --- |".repeat(columns.length)}`);
    isFirst = false;
    console.log(`| ${Object.values(row).join(" | ")} |`);
  }
} finally {
  if (values.work === undefined) rmSync(directory, { recursive: true });
}
