/**
 * Preloaded into a measured process: writes {rssBytes, cpuSeconds} to file descriptor 3 when it ends, its peak resident
 * memory and the processor time of all its threads.
 */
import { writeSync } from "node:fs";

process.on("exit", () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  writeSync(3, JSON.stringify({ rssBytes: maxRSS * 1024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 }));
});
