import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";

const USAGE_HOOK = new URL("./report-usage.mjs", import.meta.url).href;

/** Prints user and system seconds of the program it runs, as the last line of stderr. */
const TIMED = 'TIMEFORMAT="cpu %U %S"; time "$@"';

/** Runs a program to its end, and counts the processor time of all its threads; throws when it fails. */
export async function runTimed(command, args) {
  const result = await run("bash", ["-c", TIMED, "bash", command, ...args]);
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(result.stderr);
  return { ...result, cpuSeconds: Number(user) + Number(system) };
}

/**
 * Runs a program to its end.
 *
 * @returns wall time in seconds and everything it wrote; throws when it fails
 */
export function run(command, args, { usage = false } = {}) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const stdio = ["ignore", "pipe", "pipe", ...(usage ? ["pipe"] : [])];
    const child = spawn(command, args, { stdio });
    const out = ["", "", ""];
    child.stdout.on("data", (d) => {
      out[0] += d;
    });
    child.stderr.on("data", (d) => {
      out[1] += d;
    });
    if (usage)
      child.stdio[3].on("data", (d) => {
        out[2] += d;
      });
    child.on("error", reject);
    child.on("close", (code) => {
      const seconds = (performance.now() - start) / 1000;
      if (code !== 0) reject(new Error(`${command} ${args.join(" ")} exited with ${code}: ${out[1].slice(-2000)}`));
      else resolve({ seconds, stdout: out[0], stderr: out[1], ...(usage ? JSON.parse(out[2]) : {}) });
    });
  });
}

/** Runs a script of Node with its peak memory and processor time measured from inside. */
export function runNode(args) {
  return run(process.execPath, ["--import", USAGE_HOOK, ...args], { usage: true });
}
