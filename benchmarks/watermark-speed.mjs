/**
 * How fast marking and verifying are, beside plain reading of the same files and the same statistic in PyTorch.
 *
 *   node benchmarks/watermark-speed.mjs MODEL [--rounds 3] [--python INTERPRETER] [--payload HEX] [--work DIRECTORY]
 *                                       [--skip idiomatic,embed]
 *
 * MODEL comes from make-model.mjs; it is read once before the clock starts. Every contender runs once per round, with two
 * threads, in a process of its own; times begin when its libraries are loaded. --python has torch (and cryptography, or
 * its coins are not AES but bytes from memory). Embedding writes to --work and is deleted every time. Prints JSON; `bars`
 * says which of the targets hold. Exit code 0 whatever they say: the figures depend on the machine.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine } from "./support/machine.mjs";
import { run, runNode } from "./support/process.mjs";
import { interleave, median, pairedRatio, round } from "./support/statistics.mjs";

const THREADS = "2";
const PROCESS = fileURLToPath(new URL("./speed/watermark-process.mjs", import.meta.url));
const READER = fileURLToPath(new URL("./speed/read-process.mjs", import.meta.url));
const CORRELATOR = fileURLToPath(new URL("./lab/watermark/correlator.py", import.meta.url));

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    python: { type: "string" },
    payload: { type: "string", default: "00112233445566778899aabbccddeeff" },
    work: { type: "string" },
    skip: { type: "string", default: "" },
  },
});
if (positionals.length !== 1) throw new Error("name a model");
const [model] = positionals;
const work = mkdtempSync(join(values.work ?? tmpdir(), "weightmark-speed-"));
try {
  process.stdout.write(`${JSON.stringify(await measure(), null, 1)}\n`);
} finally {
  rmSync(work, { recursive: true });
}

async function measure() {
  const files = readdirSync(model)
    .filter((name) => name.endsWith(".safetensors"))
    .map((name) => join(model, name));
  const skipped = new Set(values.skip.split(","));
  const absent = [];
  const peaks = new Map();
  const node = (name, args) => async () => {
    const { stdout, rssBytes } = await runNode(args);
    peaks.set(name, Math.max(peaks.get(name) ?? 0, rssBytes));
    const { bytes, seconds, cpuSeconds } = JSON.parse(stdout);
    return { wall: bytes / seconds, processor: bytes / cpuSeconds };
  };
  const contenders = {
    read: node("read", [READER, THREADS, ...files]),
    verify: node("verify", [PROCESS, "verify", model, THREADS]),
  };
  if (!skipped.has("embed")) {
    const out = join(work, "marked");
    const embed = node("embed", [PROCESS, "embed", model, THREADS, out, values.payload]);
    contenders.embed = async () => {
      const rates = await embed();
      rmSync(out, { recursive: true });
      rmSync(`${out}.sketch`);
      return rates;
    };
  }
  for (const style of ["expert", "idiomatic"]) {
    const name = `torch, ${style}`;
    const missing = skipped.has(style) ? "skipped" : await reasonToSkip(values.python);
    if (missing === null) contenders[name] = () => correlate(style, files);
    else absent.push(`${name}: ${missing}`);
  }
  await contenders.read();
  const rates = await interleave(Number(values.rounds), contenders);
  const figures = (unit) => ({
    gigabytesPerSecond: each(rates, (x) => round(median(x.map((rate) => rate[unit])) / 1e9)),
    byRound: each(rates, (x) => x.map((rate) => round(rate[unit] / 1e9))),
  });
  const over = (ours, theirs) =>
    rates.has(ours) && rates.has(theirs)
      ? round(
          pairedRatio(
            rates.get(ours).map(({ wall }) => wall),
            rates.get(theirs).map(({ wall }) => wall),
          ),
        )
      : null;
  const peakRssMb = Object.fromEntries([...peaks].map(([name, bytes]) => [name, Math.round(bytes / 1e6)]));
  const bars = [
    ["verify: times torch by an expert", over("verify", "torch, expert"), ">=", 5],
    ["verify: times idiomatic torch", over("verify", "torch, idiomatic"), ">=", 5],
    ["verify: times plain reading", over("verify", "read"), ">=", 0.5],
    ["embed: times plain reading", over("embed", "read"), ">=", 0.25],
    ["verify: peak MB", peakRssMb.verify, "<=", 1000],
    ["embed: peak MB", peakRssMb.embed ?? null, "<=", 1000],
  ];
  return {
    machine: machine(),
    rounds: Number(values.rounds),
    threads: Number(THREADS),
    wall: figures("wall"),
    processor: figures("processor"),
    peakRssMb,
    absent,
    bars: bars
      .filter(([, found]) => found !== null)
      .map(([name, found, sign, bar]) => ({
        name,
        found,
        bar: `${sign} ${bar}`,
        holds: sign === ">=" ? found >= bar : found <= bar,
      })),
  };
}

async function reasonToSkip(python) {
  if (python === undefined) return "no --python";
  return await run(python, ["-c", "import numpy, torch"]).then(
    () => null,
    () => "no torch there",
  );
}

async function correlate(style, files) {
  const { stdout } = await run(values.python, [CORRELATOR, style, "--threads", THREADS, ...files]);
  const { bytes, seconds, cpuSeconds } = JSON.parse(stdout);
  return { wall: bytes / seconds, processor: bytes / cpuSeconds };
}

function each(map, value) {
  return Object.fromEntries([...map].map(([name, x]) => [name, value(x)]));
}
