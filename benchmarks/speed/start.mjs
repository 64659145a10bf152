import { fileURLToPath } from "node:url";
import { runTimed } from "../support/process.mjs";
import { interleave, median, pairedRatio, round } from "../support/statistics.mjs";

const CLI = fileURLToPath(new URL("../../bin/weightmark.js", import.meta.url));

/** `weightmark --help` against an empty program of Node. */
export async function measureStart({ rounds }) {
  const node = (...args) => runTimed(process.execPath, args);
  const runs = await interleave(rounds, { help: () => node(CLI, "--help"), empty: () => node("-e", "0") });
  const times = (name, unit) => runs.get(name).map((r) => r[unit]);
  return {
    rounds,
    helpMilliseconds: Math.round(1000 * median(times("help", "seconds"))),
    nodeMilliseconds: Math.round(1000 * median(times("empty", "seconds"))),
    ratio: round(pairedRatio(times("help", "seconds"), times("empty", "seconds"))),
    cpuRatio: round(median(times("help", "cpuSeconds")) / median(times("empty", "cpuSeconds"))),
  };
}
