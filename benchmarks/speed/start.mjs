import { fileURLToPath } from "node:url";
import { run } from "../support/process.mjs";
import { interleave, median, pairedRatio, round } from "../support/statistics.mjs";

const CLI = fileURLToPath(new URL("../../bin/weightmark.js", import.meta.url));

/** `weightmark --help` against an empty program of Node. */
export async function measureStart({ rounds }) {
  const node = async (...args) => (await run(process.execPath, args)).seconds;
  const times = await interleave(rounds, { help: () => node(CLI, "--help"), empty: () => node("-e", "0") });
  return {
    rounds,
    helpMilliseconds: Math.round(1000 * median(times.get("help"))),
    nodeMilliseconds: Math.round(1000 * median(times.get("empty"))),
    ratio: round(pairedRatio(times.get("help"), times.get("empty"))),
  };
}
