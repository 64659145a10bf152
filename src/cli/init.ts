import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { isatty } from "node:tty";

/**
 * Runs the same command line in a process of its own, and ends as it does. For the first process of a container: the kernel
 * ends that by no signal that it does not catch, and who catches one has to wait for the end of a calculation.
 */
export async function runBelow(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit" });
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  // A terminal sends it to both.
  process.on("SIGINT", () => isatty(0) || child.kill("SIGINT"));
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return signal === null ? (code ?? 0) : 128 + constants.signals[signal];
}
