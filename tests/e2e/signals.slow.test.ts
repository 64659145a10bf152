import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { EXECUTABLE, NODE, runCommand } from "../support/command.ts";
import { ENDLESS_TEXT, ENDLESS_TOKENIZER } from "../support/endless-tokenizer.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

/** Long after a busy machine would have ended any process; how long it really took is printed. */
const DEAF_MS = 300_000;
const SPIN = pathToFileURL(fileURLToPath(new URL("../support/spin.mjs", import.meta.url))).href;

const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const SIGNALS = ["SIGTERM", "SIGINT"] as const;
/** Waits for a passphrase that nobody writes: a read that no program can take back. */
const WAITING = ["watermark", "verify", "model", "--key", "sealed", "--passphrase-file", "fifo"];
const ENDLESS = ["quality", "hostile", "hostile", "--text", "text"];

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly node?: readonly string[];
  readonly within?: readonly string[];
}

function start(args: readonly string[], { env = {}, node = [], within = [] }: Options = {}): ChildProcess {
  const [file = NODE, ...rest] = [...within, NODE, ...node, EXECUTABLE, ...args];
  return spawn(file, rest, { cwd: root, env: { ...process.env, ...env }, stdio: ["pipe", "ignore", "pipe"] });
}

/** Sends the signal to a process (its own, if not another) and waits for the end of `child`; what ended it. */
async function stopped(child: ChildProcess, signal: NodeJS.Signals, pid = child.pid!): Promise<string | number | null> {
  const began = performance.now();
  const exit = once(child, "exit") as Promise<[number | null, string | null]>;
  process.kill(pid, signal);
  const end = await Promise.race([exit, sleep(DEAF_MS, null, { ref: false })]);
  console.info(`${signal}: ended ${end === null ? "never" : `after ${Math.round(performance.now() - began)} ms`}`);
  if (end !== null) return end[1] ?? end[0];
  child.kill("SIGKILL");
  return "deaf";
}

/** Opens a pipe for writing as soon as somebody reads it, which it cannot be before. */
async function openedByReader(path: string): Promise<number> {
  for (;;) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENXIO") throw error;
      await sleep(20);
    }
  }
}

/** Waits until the process has used so much of a processor, seconds: more than starting takes. */
async function busy(pid: number, seconds: number): Promise<void> {
  for (;;) {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ");
    // User time in ticks of a hundredth of a second.
    if (Number(fields[11]) / 100 >= seconds) return;
    await sleep(50);
  }
}

const isLinux = process.platform === "linux";

beforeAll(async () => {
  writeModel(at("model"), tinyModel(1));
  writeModel(at("hostile"), tinyModel(1));
  writeFileSync(at("hostile", "tokenizer.json"), ENDLESS_TOKENIZER);
  writeFileSync(at("text"), ENDLESS_TEXT);
  writeFileSync(at("passphrase"), "open sesame\n");
  const key = ["key", "generate", "-o", "sealed", "--passphrase-file", "passphrase"];
  expect(await runCommand(key, { cwd: root })).toMatchObject({ exitCode: 0 });
  execFileSync("mkfifo", [at("fifo")]);
});

describe.skipIf(process.platform === "win32").each(SIGNALS)("%s ends", (signal) => {
  it("a read that never comes to an end", async () => {
    const child = start(WAITING);
    const writer = await openedByReader(at("fifo"));
    expect(await stopped(child, signal)).toBe(signal);
    closeSync(writer);
  });

  it("a calculation on the main thread that never comes to an end", async () => {
    const child = start(WAITING, { node: ["--import", SPIN] });
    await once(child.stderr!, "data");
    expect(await stopped(child, signal)).toBe(signal);
  });

  it.runIf(isLinux)("a pattern of a tokenizer.json that never comes to an end", async () => {
    const child = start(ENDLESS);
    await busy(child.pid!, 4);
    expect(await stopped(child, signal)).toBe(signal);
  });

  it("a scan whose server never answers, in order: what is known is printed and no lock is left", async () => {
    const server = createServer(() => {}).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const asked = once(server, "request");
    const args = ["scan", "hf:acme/model", "--journal", "silent", "--restart", "--registry", "bases"];
    await runCommand(["registry", "add", "model", "--registry", "bases"], { cwd: root });
    const child = start(args, { env: { HF_ENDPOINT: `http://127.0.0.1:${port}`, HF_HUB_CACHE: at("none") } });
    await asked;
    expect(await stopped(child, signal)).toBe(5);
    expect(readdirSync(root)).not.toContain("silent.lock");
    server.closeAllConnections();
    server.close();
  });
});

const canIsolate = isLinux && isAllowed(["unshare", "--pid", "--fork", "--mount-proc", "true"]);

function isAllowed([file, ...args]: readonly string[]): boolean {
  try {
    execFileSync(file!, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

it.runIf(canIsolate)("the first process of a container ends as well", async () => {
  const child = start(WAITING, {
    node: ["--import", SPIN],
    within: ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
  });
  await once(child.stderr!, "data");
  const inner = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "latin1").trim();
  expect(await stopped(child, "SIGTERM", Number(inner))).toBe(143);
});
