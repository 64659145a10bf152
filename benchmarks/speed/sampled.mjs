import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runNode } from "../support/process.mjs";
import { interleave, median, round } from "../support/statistics.mjs";

const PROCESS = fileURLToPath(new URL("./fingerprint-process.mjs", import.meta.url));
const CLI = fileURLToPath(new URL("../../bin/weightmark.js", import.meta.url));

/** Sampled fingerprint: through the command in a fresh process (start of Node included), and the library's part of it. */
export async function measureSampled(model, { rounds }) {
  const folder = mkdtempSync(join(tmpdir(), "weightmark-bench-"));
  const rss = [];
  const cpu = [];
  let facts = {};
  try {
    const times = await interleave(rounds, {
      command: async () => {
        const out = join(folder, "model.fingerprint.safetensors");
        rmSync(out, { force: true });
        const { seconds, rssBytes, cpuSeconds } = await runNode([
          CLI,
          "fingerprint",
          model,
          "--depth",
          "sampled",
          "-o",
          out,
        ]);
        rss.push(rssBytes);
        cpu.push(cpuSeconds);
        return seconds;
      },
      library: async () => {
        const { stdout } = await runNode([PROCESS, model, "sampled", "0"]);
        facts = JSON.parse(stdout);
        return facts.seconds;
      },
    });
    return {
      rounds,
      commandSeconds: round(median(times.get("command"))),
      commandCpuSeconds: round(median(cpu)),
      librarySeconds: round(median(times.get("library"))),
      readMb: round(facts.bytesRead / 1e6),
      ofMb: Math.round(facts.bytesTotal / 1e6),
      fingerprintMb: round(facts.fingerprintBytes / 1e6),
      peakRssMb: Math.round(Math.max(...rss) / 1e6),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
