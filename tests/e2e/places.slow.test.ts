import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { EXECUTABLE, NODE, runCommand } from "../support/command.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();

/** Nothing in the environment names a place. */
const UNNAMED = {
  HOME: "",
  WEIGHTMARK_REGISTRY: "",
  XDG_DATA_HOME: "",
  XDG_STATE_HOME: "",
  XDG_CACHE_HOME: "",
  HF_HOME: "",
  HF_HUB_CACHE: "",
  HUGGINGFACE_HUB_CACHE: "",
  HF_TOKEN_PATH: "",
  LOCALAPPDATA: "",
};

const homeless = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const preload = new URL("../support/no-home.mjs", import.meta.url).href;
  return runCommand(args, { cwd: root, env: { ...UNNAMED, NODE_OPTIONS: `--import=${preload}`, ...env } });
};

beforeAll(async () => {
  writeModel(join(root, "model"), tinyModel(1));
  const added = await runCommand(["registry", "add", "model", "--root", "--registry", "bases"], { cwd: root });
  expect(added, added.stderr).toMatchObject({ exitCode: 0 });
});

describe("a user without a home directory", () => {
  const scan = ["scan", "model", "--no-progress", "--jobs", "1"];

  it("needs none where every place is named", async () => {
    const named = await homeless([...scan, "--registry", "bases", "--journal", "named.journal", "--no-cache"]);
    expect(named, named.stderr).toMatchObject({ exitCode: 0, stderr: "" });
    const places = { XDG_DATA_HOME: join(root, "d"), XDG_STATE_HOME: join(root, "s"), XDG_CACHE_HOME: join(root, "c") };
    const byEnvironment = await homeless([...scan, "--registry", "bases"], places);
    expect(byEnvironment, byEnvironment.stderr).toMatchObject({ exitCode: 0, stderr: "" });
    const list = await homeless(["registry", "list"], places);
    expect(list, list.stderr).toMatchObject({ exitCode: 0, stderr: "" });
    const identify = await homeless(["identify", "model", "--redact-paths"], {
      WEIGHTMARK_REGISTRY: join(root, "bases"),
    });
    expect(identify, identify.stderr).toMatchObject({ exitCode: 0, stderr: "" });
    const doctor = await homeless(["doctor", "--registry", "bases"]);
    expect(doctor, doctor.stderr).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it.each([
    [["registry", "list"], "--registry"],
    [["identify", "model"], "--registry"],
    [[...scan, "--no-cache"], "--registry"],
    [[...scan, "--registry", "bases", "--no-cache"], "--journal"],
    [[...scan, "--registry", "bases", "--journal", "j"], "--no-cache"],
    [["worker", "--database", "postgres://localhost/none"], "--no-cache"],
  ])("is told what to name: %j", async (args, flag) => {
    const { exitCode, stdout, stderr } = await homeless(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/no home directory .*\(NO_HOME_DIRECTORY\)/);
    expect(stderr).toContain(flag);
  });

  it("hears from doctor, and of the Hub's cache, what is missing", async () => {
    const doctor = await homeless(["doctor"]);
    expect(doctor).toMatchObject({ exitCode: 3, stderr: "" });
    expect(doctor.stdout).toMatch(/registry.*no home directory.*--registry/);
    const offline = await homeless(["inspect", "hf:acme/x", "--offline"]);
    expect(offline.exitCode).toBe(3);
    expect(offline.stderr).toMatch(/\(OFFLINE\)\nSet HF_HOME/);
  });
});

// Node itself refuses to make directories there one below the other, without ever coming back.
describe.skipIf(process.platform !== "linux")("places in which no directory can be made", () => {
  it.each([
    ["journal", ["scan", "model", "--registry", "bases", "--no-cache", "--journal", "/proc/weightmark/x/j"]],
    ["registry", ["registry", "add", "model", "--registry", "/proc/weightmark/x"]],
    ["output", ["fingerprint", "model", "-o", "/proc/weightmark/x/f"]],
  ])("are refused: %s", async (_, args) => {
    const { exitCode, stdout, stderr } = await runCommand(args, { cwd: root });
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toMatch(/^weightmark: \/proc\/weightmark.*\(WRITE_FAILED\)/);
  });
});

// Elsewhere a directory that is in use cannot be removed.
describe.skipIf(process.platform === "win32")("a working directory that was removed", () => {
  const removed = async (args: readonly string[]) => {
    const cwd = join(root, "removed");
    mkdirSync(cwd);
    // Before Node starts, which remembers where it was started.
    const script = `rmdir "$PWD" && "$0" "$@"; echo ":$?"`;
    const { stdout, stderr } = await promisify(execFile)("bash", ["-c", script, NODE, EXECUTABLE, ...args], { cwd });
    const [, printed = "", exitCode] = /^(.*):(\d+)\n$/s.exec(stdout) ?? [];
    return { stdout: printed, stderr, exitCode: Number(exitCode) };
  };

  it("is in nobody's way who names absolute paths", async () => {
    const inspected = await removed(["inspect", join(root, "model"), "--redact-paths"]);
    expect(inspected, inspected.stderr).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it.each([
    [["fingerprint", join(root, "model"), "-o", "relative", "--redact-paths"]],
    [["scan", join(root, "model"), "--registry", join(root, "bases"), "--journal", join(root, "gone.journal")]],
  ])("is told to others: %j", async (args) => {
    const { exitCode, stdout, stderr } = await removed(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toContain("the working directory is there no longer (FILE_NOT_FOUND)");
  });
});
