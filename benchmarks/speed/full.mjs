import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, runNode, runTimed } from "../support/process.mjs";
import { interleave, median, pairedRatio, round } from "../support/statistics.mjs";

const PROCESS = fileURLToPath(new URL("./fingerprint-process.mjs", import.meta.url));
const TORCH = fileURLToPath(new URL("../reference/torch_moments.py", import.meta.url));
const THREADS = 2;

/**
 * Full pass, warm: content hash and moments of every byte, against programs that do a part of that or all of it.
 * Rates are bytes of input per second of wall time, and per second of processor time of all threads: on a machine that
 * others use too the second says more. Each contender runs once per round.
 *
 * @param references.python interpreter with torch and safetensors, or null
 * @param references.native the program of benchmarks/native, or null
 */
export async function measureFull(model, { rounds, python, native, torchBytes }) {
  const shards = readdirSync(model)
    .filter((name) => name.endsWith(".safetensors"))
    .map((name) => join(model, name));
  const rss = [];
  const contenders = {
    weightmark: async () => {
      const { stdout, rssBytes } = await runNode([PROCESS, model, "full", String(THREADS)]);
      const result = JSON.parse(stdout);
      rss.push(rssBytes);
      return rateOf(result.bytesTotal, result);
    },
    // Two files of nearly one size at once: no thread waits for the other, the best case for sha256sum.
    sha256sum: () => sha256sum(shards.slice(0, THREADS)),
    ...(python === null
      ? {}
      : {
          "torch, blocked by an expert": () => torch(python, "expert", torchBytes, shards),
          "torch, idiomatic": () => torch(python, "idiomatic", Math.min(torchBytes, 1 << 30), shards),
        }),
    ...(native === null ? {} : { "native C": () => nativeRate(native, shards) }),
  };
  for (const shard of shards) await run("dd", [`if=${shard}`, "of=/dev/null", "bs=1M"]);
  const rates = await interleave(rounds, contenders);
  const figures = (unit) => {
    const ours = rates.get("weightmark").map((x) => x[unit]);
    const of = (x) => x.map((rate) => rate[unit]);
    return {
      gigabytesPerSecond: named(rates, (x) => round(median(of(x)) / 1e9)),
      byRound: named(rates, (x) => of(x).map((v) => round(v / 1e9))),
      ratios: named(rates, (x) => round(pairedRatio(ours, of(x)))),
    };
  };
  return {
    rounds,
    threads: THREADS,
    wall: figures("wall"),
    processor: figures("processor"),
    peakRssMb: Math.round(Math.max(...rss) / 1e6),
    absent: [...(python === null ? ["torch"] : []), ...(native === null ? ["native C"] : [])],
  };
}

/**
 * Full pass of files that are in no cache, against dd. The cache is emptied of them by posix_fadvise (dd oflag=nocache),
 * which needs no rights; `cachedShare` says how much stayed.
 */
export async function measureCold(model, { rounds }) {
  const shards = readdirSync(model)
    .filter((name) => name.endsWith(".safetensors"))
    .map((name) => join(model, name));
  const total = shards.reduce((n, f) => n + statSync(f).size, 0);
  let left = 0;
  const evict = async () => {
    for (const file of shards) await run("dd", [`of=${file}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0"]);
    const { stdout } = await run("fincore", ["--bytes", "--noheadings", "--output", "RES", ...shards]);
    left =
      stdout
        .trim()
        .split(/\s+/)
        .map(Number)
        .reduce((a, b) => a + b, 0) / total;
  };
  const rates = await interleave(rounds, {
    weightmark: async () => {
      await evict();
      const { stdout } = await runNode([PROCESS, model, "full", String(THREADS)]);
      return total / JSON.parse(stdout).seconds;
    },
    dd: async () => {
      await evict();
      let seconds = 0;
      for (const file of shards) seconds += (await run("dd", [`if=${file}`, "of=/dev/null", "bs=1M"])).seconds;
      return total / seconds;
    },
  });
  return {
    rounds,
    gigabytesPerSecond: Object.fromEntries([...rates].map(([name, x]) => [name, round(median(x) / 1e9)])),
    byRound: Object.fromEntries([...rates].map(([name, x]) => [name, x.map((v) => round(v / 1e9))])),
    ratios: { dd: round(pairedRatio(rates.get("weightmark"), rates.get("dd"))) },
    cachedShare: round(left),
  };
}

const named = (map, value) => Object.fromEntries([...map].map(([name, x]) => [name, value(x)]));

function rateOf(bytes, { seconds, cpuSeconds }) {
  return { wall: bytes / seconds, processor: bytes / cpuSeconds };
}

/** One process per file, all at once; the rates of the processes add up on the wall clock only. */
async function sha256sum(files) {
  const rates = await Promise.all(
    files.map(async (file) => rateOf(statSync(file).size, await runTimed("sha256sum", [file]))),
  );
  return {
    wall: rates.reduce((sum, r) => sum + r.wall, 0),
    processor: rates.reduce((sum, r) => sum + r.processor, 0) / rates.length,
  };
}

async function torch(python, mode, limit, shards) {
  const { stdout } = await run(python, [TORCH, mode, String(limit), ...shards]);
  const result = JSON.parse(stdout);
  return rateOf(result.bytes, result);
}

/** The program prints bytes, seconds and a checksum. */
async function nativeRate(program, shards) {
  const { stdout, cpuSeconds } = await runTimed(program, [String(THREADS), ...shards]);
  const [bytes, seconds] = stdout.split(" ").map(Number);
  return rateOf(bytes, { seconds, cpuSeconds });
}
