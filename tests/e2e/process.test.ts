import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import type { ErrorReport } from "../../src/report/schemas/index.ts";
import { EXECUTABLE, NODE, runCommand, startCommand } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { writeSparseModel } from "../support/sparse-model.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();

beforeAll(() => {
  writeSparseModel(join(root, "large"));
  writeModel(join(root, "small"), tinyModel(1));
});

async function errorOf(args: readonly string[], exitCode: number): Promise<ErrorReport["error"]> {
  const result = await runCommand([...args, "--json"], { cwd: root });
  expect(result, result.stderr).toMatchObject({ exitCode, stdout: "" });
  return requireValid<ErrorReport>("error@1", JSON.parse(result.stderr)).error;
}

describe("limits", () => {
  it.each(["0", "2"])("gives up after --timeout with exit code 5, with %s worker threads", async (threads) => {
    const error = await errorOf(
      [
        "fingerprint",
        "large",
        "--depth",
        "full",
        "--timeout",
        "0.3005",
        "-o",
        "late",
        "--no-progress",
        "--threads",
        threads,
      ],
      5,
    );
    expect(error.code).toBe("TIMED_OUT");
    expect(readdirSync(root)).not.toContain("late");
  });

  it("reads no more than --max-bytes", async () => {
    expect((await errorOf(["fingerprint", "large", "--depth", "full", "--max-bytes", "1GB"], 3)).code).toBe(
      "BYTE_BUDGET_EXCEEDED",
    );
    expect((await errorOf(["fingerprint", "small", "--max-bytes", "20kB"], 3)).code).toBe("BYTE_BUDGET_EXCEEDED");
    expect((await errorOf(["inspect", "small", "--max-bytes", "10"], 3)).code).toBe("BYTE_BUDGET_EXCEEDED");
    expect((await errorOf(["inspect", "small", "--max-bytes", "much"], 2)).code).toBe("USAGE");
  });
});

describe("interruptions", () => {
  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("leaves nothing half-written on %s", async (signal) => {
    const directory = join(root, signal);
    mkdirSync(directory);
    const args = ["registry", "add", join("..", "large"), "--depth", "full", "--registry", "r", "-v"];
    const child = startCommand(args, { cwd: directory });
    // With -v the first line says that the model is open: reading it has begun.
    await once(child.stderr, "data");
    child.kill(signal);
    // As shells do, Node tells the signal that ended a process; nothing is to be undone here that would need a handler.
    expect((await once(child, "close"))[1]).toBe(signal);
    expect(readdirSync(directory)).toEqual([]);
    const again = await runCommand(["registry", "add", join("..", "small"), "--registry", "r"], { cwd: directory });
    expect(again, again.stderr).toMatchObject({ exitCode: 0 });
  });
});

it("takes its temporary file away when it is interrupted while it writes", async () => {
  const directory = join(root, "writing");
  mkdirSync(directory);
  const atomicFile = new URL("../../dist/src/bytes/atomic-file.js", import.meta.url).href;
  const script = `
    const { writeFileAtomic } = await import(${JSON.stringify(atomicFile)});
    process.once("SIGINT", () => process.exit(130));
    async function* endless() { for (;;) { yield new Uint8Array(1000); console.log("wrote"); await new Promise((next) => setTimeout(next, 5)); } }
    await writeFileAtomic("output", endless());`;
  const child = spawn(NODE, ["--input-type=module", "-e", script], {
    cwd: directory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  expect(readdirSync(directory)).toHaveLength(1);
  child.kill("SIGINT");
  expect((await once(child, "close"))[0]).toBe(130);
  expect(readdirSync(directory)).toEqual([]);
});

describe("streams", () => {
  it("ends quietly when its reader goes away", async () => {
    const script = `"$0" "$1" completion fish | head -c 1; echo ":\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await promisify(execFile)("bash", ["-c", script, NODE, EXECUTABLE]);
    expect(stdout).toBe("c:0\n");
    expect(stderr).toBe("");
  });

  it.skipIf(process.platform !== "linux")("reports that stdout takes no result", async () => {
    const script = `"$0" "$1" completion fish > /dev/full; echo ":$?"`;
    const { stdout, stderr } = await promisify(execFile)("bash", ["-c", script, NODE, EXECUTABLE]);
    expect(stdout).toBe(":3\n");
    expect(stderr).toMatch(
      /^weightmark: .*\(ENOSPC\) \(WRITE_FAILED\)\nMake sure that the place exists and has room, .*\n$/,
    );
  });

  it("prints results only on stdout, without colour where there is no terminal", async () => {
    const { stdout, stderr } = await runCommand(["compare", "small", "small", "-v"], { cwd: root });
    expect(stdout).toMatch(/^identical: /);
    expect(stdout).not.toContain("\u001b");
    expect(stderr).toMatch(/20 tensors in 1 files/);
    const quiet = await runCommand(["compare", "small", "small", "-v", "-q"], { cwd: root });
    expect(quiet.stderr).toBe("");
  });
});

describe("help and usage", () => {
  it("prints help on stdout and usage errors on stderr", async () => {
    const help = await runCommand(["registry", "add", "--help"]);
    expect(help).toMatchObject({ exitCode: 0, stderr: "" });
    expect(help.stdout).toContain("Exit codes:");
    for (const args of [[], ["compare", "one"]]) {
      const { exitCode, stdout, stderr } = await runCommand(args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).not.toBe("");
    }
  });

  it("checks the installation", async () => {
    const { exitCode, stdout } = await runCommand(["doctor", "--json"]);
    const report = requireValid<{ ok: boolean; checks: { name: string; status: string }[] }>(
      "doctor@1",
      JSON.parse(stdout),
    );
    expect({ exitCode, ok: report.ok }).toEqual({ exitCode: 0, ok: true });
    for (const name of ["node", "kernels", "workers", "engine wasm"]) {
      expect(report.checks).toContainEqual(expect.objectContaining({ name, status: "ok" }));
    }
  });

  it("says of what fails there what to do about it", async () => {
    mkdirSync(join(root, "damaged"));
    writeFileSync(join(root, "damaged", "journal.jsonl"), "{}\n");
    const { exitCode, stdout } = await runCommand(["doctor", "--json", "--registry", join(root, "damaged")]);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; detail: string }[] };
    const registry = checks.find(({ name }) => name === "registry");
    expect(exitCode).toBe(3);
    expect(registry).toMatchObject({ status: "failed", detail: expect.stringMatching(/: [^:]+\. [A-Z].*\.$/) });
  });

  it("prints completion scripts that the shell accepts", async () => {
    const { stdout } = await runCommand(["completion", "bash"]);
    const script = `${stdout}\nCOMP_WORDS=(weightmark registry re); COMP_CWORD=2; _weightmark; echo "\${COMPREPLY[*]}"`;
    const result = await promisify(execFile)("bash", ["-c", script], { cwd: root });
    expect(result.stdout.trim()).toBe("remove");
    expect((await runCommand(["completion", "fish"])).stdout).toContain("__fish_seen_subcommand_from compare");
    expect((await runCommand(["completion", "powershell"])).exitCode).toBe(2);
  });
});
