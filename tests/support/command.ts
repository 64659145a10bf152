import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { NOWHERE } from "./nowhere.ts";

/** The built executable, as users run it. */
export const EXECUTABLE = fileURLToPath(new URL("../../bin/weightmark.js", import.meta.url));

/** Other Node releases run the same tests: WEIGHTMARK_TEST_NODE names one. */
export const NODE = process.env.WEIGHTMARK_TEST_NODE ?? process.execPath;

export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export function startCommand(args: readonly string[], options: CommandOptions = {}) {
  const env = { ...process.env, WEIGHTMARK_REGISTRY: NOWHERE, ...options.env };
  return spawn(NODE, [EXECUTABLE, ...args], { cwd: options.cwd, env, stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs `weightmark ...args` to its end. */
export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = startCommand(args, options);
  const streams = [child.stdout, child.stderr].map(async (stream) => {
    let text = "";
    for await (const piece of stream.setEncoding("utf8")) text += piece;
    return text;
  });
  const [exitCode] = (await once(child, "close")) as [number | null];
  const [stdout = "", stderr = ""] = await Promise.all(streams);
  return { exitCode, stdout, stderr };
}

export interface CommandServer {
  run(args: readonly string[], cwd: string): Promise<CommandResult>;
  stop(): void;
}

/** The built command in one process of its own, for the many tests that need no fresh one. Calls queue up. */
export function startCommandServer(): CommandServer {
  const script = fileURLToPath(new URL("./command-server.mjs", import.meta.url));
  const env = { ...process.env, WEIGHTMARK_REGISTRY: NOWHERE };
  const child = spawn(NODE, [script], { env, stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(args, cwd) {
      const result = last.then(async () => {
        child.stdin.write(`${JSON.stringify({ args, cwd })}\n`);
        const { value, done } = await answers.next();
        if (done) throw new Error(`the command server died of ${JSON.stringify(args)}`);
        return JSON.parse(value as string) as CommandResult;
      });
      last = result.catch(() => undefined);
      return result;
    },
    stop() {
      child.stdin.end();
    },
  };
}
