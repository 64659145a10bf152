/**
 * How fast the commands are, each beside its references in the same rounds.
 *
 *   node benchmarks/speed.mjs MODEL [--rounds 5] [--only full,cold,sampled,lineage,start] [--bases 1000]
 *                             [--python INTERPRETER] [--native PROGRAM] [--torch-bytes 4294967296] [--work DIRECTORY]
 *   node benchmarks/speed.mjs --quick
 *
 * MODEL comes from make-model.mjs. --python has torch and safetensors; --native is built by benchmarks/native/build.sh
 * and found where that puts it. References that are not there are named as absent. --quick makes a model of 200 MB of its
 * own and ends within a minute. Prints JSON; `bars` says which of the targets hold. Exit code 0 whatever they say: the
 * figures depend on the machine.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureCold, measureFull } from "./speed/full.mjs";
import { measureLineage } from "./speed/lineage.mjs";
import { measureSampled } from "./speed/sampled.mjs";
import { measureStart } from "./speed/start.mjs";
import { machine } from "./support/machine.mjs";

const NATIVE = fileURLToPath(new URL("./out/full_pass", import.meta.url));
const SMALL = ["--layers", "6", "--width", "1024", "--ffn", "2752", "--vocabulary", "16000"];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    only: { type: "string", default: "full,cold,sampled,lineage,start" },
    bases: { type: "string" },
    python: { type: "string" },
    native: { type: "string" },
    "torch-bytes": { type: "string", default: String(4 * 2 ** 30) },
    work: { type: "string" },
  },
});
const work = values.work ?? mkdtempSync(join(tmpdir(), "weightmark-speed-"));
mkdirSync(work, { recursive: true });
try {
  const model = values.quick ? makeSmall(join(work, "model")) : positionals[0];
  if (model === undefined) throw new Error("name a model, or say --quick");
  const report = await measure(model);
  process.stdout.write(`${JSON.stringify({ machine: machine(), ...report, bars: bars(report) }, null, 1)}\n`);
} finally {
  if (values.work === undefined) rmSync(work, { recursive: true });
}

function makeSmall(directory) {
  const script = fileURLToPath(new URL("./make-model.mjs", import.meta.url));
  execFileSync(process.execPath, [script, directory, ...SMALL], { stdio: ["ignore", "ignore", "inherit"] });
  return directory;
}

async function measure(model) {
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));
  const native = values.native ?? (existsSync(NATIVE) ? NATIVE : null);
  const references = { python: values.python ?? null, native, torchBytes: Number(values["torch-bytes"]) };
  const bases = Number(values.bases ?? (values.quick ? 10 : 1000));
  const parts = {
    full: () => measureFull(model, { rounds, ...references }),
    cold: () => measureCold(model, { rounds: Math.min(rounds, 3) }),
    sampled: () => measureSampled(model, { rounds }),
    lineage: () => measureLineage(model, work, { rounds, bases }),
    start: () => measureStart({ rounds: 2 * rounds + 1 }),
  };
  const report = {};
  for (const name of values.only.split(",")) report[name] = await parts[name]();
  return report;
}

/** The targets, for the 7B model on an idle machine of two cores. */
function bars({ full, cold, sampled, lineage, start }) {
  const rows = [
    ["full: times sha256sum", full?.wall.ratios.sha256sum, ">=", 1.5],
    ["full: times torch by an expert", full?.wall.ratios["torch, blocked by an expert"], ">=", 3],
    ["full: times idiomatic torch", full?.wall.ratios["torch, idiomatic"], ">=", 30],
    ["full: times native C", full?.wall.ratios["native C"], ">=", 0.4],
    ["full: peak MB", full?.peakRssMb, "<=", 700],
    ["cold: times dd", cold?.ratios.dd, ">=", 1],
    ["sampled: MB read", sampled?.readMb, "<=", 30],
    ["sampled: seconds", sampled?.commandSeconds, "<=", 1.5],
    ["sampled: peak MB", sampled?.peakRssMb, "<=", 250],
    ["compare: seconds", lineage && Math.max(lineage.compareRelated.seconds, lineage.compareStranger.seconds), "<=", 1],
    [
      "identify: seconds",
      lineage && Math.max(lineage.identifyRelated.seconds, lineage.identifyStranger.seconds),
      "<=",
      2,
    ],
    ["--help: times node -e 0", start?.ratio, "<=", 4],
  ];
  return rows
    .filter(([, found]) => found !== undefined)
    .map(([name, found, sign, bar]) => ({
      name,
      found,
      bar: `${sign} ${bar}`,
      holds: sign === ">=" ? found >= bar : found <= bar,
    }));
}
