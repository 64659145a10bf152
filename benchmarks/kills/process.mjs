import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The built command. */
export const COMMAND = fileURLToPath(new URL("../../bin/weightmark.js", import.meta.url));

const running = new Set();
process.on("exit", () => running.forEach(killGroup));

/** Kills a process and all that it started: they are a group of their own. */
function killGroup(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // All of them have ended.
  }
}

/**
 * A script of Node in a process group of its own. `said` is what it said so far; `ended` tells how it ended: code, what it said,
 * how many milliseconds it took.
 */
export function start(args, { cwd, env = {} } = {}) {
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => {
      said[name] += text;
    });
  }
  const ended = new Promise((done) =>
    child.once("close", (code) => {
      running.delete(child);
      done({ code, ...said, ms: performance.now() - began });
    }),
  );
  return { child, said, ended, kill: () => killGroup(child) };
}

/** Runs a script to its end, or kills it after so many milliseconds; its code is null when the kill came first. */
export async function run(args, { killAfter = null, ...options } = {}) {
  const { ended, kill } = start(args, options);
  if (killAfter !== null) {
    await Promise.race([ended, sleep(killAfter)]);
    kill();
  }
  return ended;
}

/** Runs the command to its end, which has to be a good one. */
export async function succeed(args, options) {
  const result = await run([COMMAND, ...args], options);
  if (result.code !== 0) throw new Error(`${args.join(" ")}: exit code ${result.code}, ${result.stderr}`);
  return result;
}
