import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ErrorReport } from "../../src/report/schemas/index.ts";
import { type CommandResult, EXECUTABLE, NODE } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { modelBytes, type TinyModel, tinyModel } from "../support/tiny-model.ts";

const onLinux = process.platform === "linux";
const root = scratchDirectory();

/** A model of as many shards as it has tensors, and its index. */
function writeShards(name: string, model: TinyModel): void {
  mkdirSync(join(root, name));
  const fileOf = (i: number) =>
    `model-${String(i + 1).padStart(5, "0")}-of-${String(model.size).padStart(5, "0")}.safetensors`;
  const entries = [...model];
  for (const [i, entry] of entries.entries()) writeFileSync(join(root, name, fileOf(i)), modelBytes(new Map([entry])));
  const weightMap = Object.fromEntries(entries.map(([tensor], i) => [tensor, fileOf(i)]));
  writeFileSync(
    join(root, name, "model.safetensors.index.json"),
    JSON.stringify({ metadata: {}, weight_map: weightMap }),
  );
}

writeShards("a", tinyModel(1));
writeShards("b", tinyModel(1));

interface Limits {
  /** Such as "ulimit -n 24": of bash, before the command. */
  readonly limit?: string;
  readonly nodeOptions?: readonly string[];
  readonly executable?: string;
}

/** A module for `--import` that does this as soon as the command line is loaded. */
function onceLoaded(what: string, before = ""): string {
  const listen = `(name)=>{if(name==="uncaughtException"){${what}}}`;
  return `data:text/javascript,${encodeURIComponent(`${before}process.on("newListener",${listen})`)}`;
}

/** Runs the command where the machine allows little. */
function run(
  args: readonly string[],
  { limit = "true", nodeOptions = [], executable = EXECUTABLE }: Limits,
): Promise<CommandResult> {
  const env = { ...process.env, WEIGHTMARK_REGISTRY: join(root, "no-registry"), XDG_CACHE_HOME: join(root, "cache") };
  const command = [NODE, ...nodeOptions, executable, ...args];
  return new Promise((resolve) => {
    const child = execFile(
      "bash",
      ["-c", `${limit} && exec "$@"`, "bash", ...command],
      { cwd: root, env },
      (_error, stdout, stderr) => resolve({ exitCode: child.exitCode, stdout, stderr }),
    );
  });
}

async function errorOf(args: readonly string[], limits: Limits, exitCode: number): Promise<ErrorReport["error"]> {
  const result = await run([...args, "--json"], limits);
  expect(result, result.stderr).toMatchObject({ exitCode, stdout: "" });
  return requireValid<ErrorReport>("error@1", JSON.parse(result.stderr)).error;
}

describe.runIf(onLinux)("few file handles", () => {
  it.each([
    [["compare", "a", "b"]],
    [["compare", "a", "b", "--depth", "full", "--threads", "2"]],
    [["fingerprint", "a", "-o", "a.fingerprint.safetensors", "--force"]],
    [["inspect", "a"]],
  ])("are enough for models of many shards: %j", async (args) => {
    // The models have 40 files together, and Node itself takes about 25 handles.
    const result = await run(args, { limit: "ulimit -n 56" });
    expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  });

  it("are told of where none is left, for the program itself either", async () => {
    // All of them are taken as soon as the command line is loaded.
    const taker = onceLoaded("try{for(;;)fs.openSync('/dev/null')}catch{}", "import fs from 'node:fs';");
    const limits = { limit: "ulimit -n 100", nodeOptions: ["--import", taker] };
    for (const args of [["compare", "a", "b"], ["inspect", "a"], ["scan", "a"], ["doctor"]]) {
      const error = await errorOf(args, limits, 3);
      expect(error.code).toBe("TOO_MANY_OPEN_FILES");
      expect(error.detail).toContain("ulimit -n");
    }
  });
});

/** An installation whose program does this when it is loaded. */
function installation(name: string, program: string | null): string {
  const directory = join(root, name);
  mkdirSync(join(directory, "bin"), { recursive: true });
  mkdirSync(join(directory, "dist/src/cli"), { recursive: true });
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  copyFileSync(EXECUTABLE, join(directory, "bin/weightmark.js"));
  if (program !== null) writeFileSync(join(directory, "dist/src/cli/main.js"), program);
  return join(directory, "bin/weightmark.js");
}

describe("a program that cannot be loaded", () => {
  it.each<[string, string | null, number, string, RegExp]>([
    ["scarce", `throw Object.assign(new Error("x"), { code: "EMFILE" })`, 3, "TOO_MANY_OPEN_FILES", /ulimit -n/],
    ["absent", null, 70, "INTERNAL", /Install/],
    ["broken", "throw null", 70, "INTERNAL", /Install/],
  ])("has found nothing: %s", async (name, program, exitCode, code, advice) => {
    const executable = installation(name, program);
    const json = await run(["compare", "a", "b", "--json"], { executable });
    expect(json, json.stderr).toMatchObject({ exitCode, stdout: "" });
    const { error } = requireValid<ErrorReport>("error@1", JSON.parse(json.stderr));
    expect(error.code).toBe(code);
    expect(error.detail).toMatch(advice);
    const text = await run(["compare", "a", "b"], { executable });
    expect(text.exitCode).toBe(exitCode);
    expect(text.stderr).toMatch(new RegExp(`^weightmark: .*\\(${code}\\)\n.*${advice.source}`));
  });
});

describe("what nobody waited for", () => {
  const thrower = (what: string) => onceLoaded(`setImmediate(()=>{${what}})`);

  it.each([
    ["thrown", `throw new Error("oh")`],
    ["rejected", `Promise.reject(new Error("oh"))`],
  ])("is a bug and no finding: %s", async (_how, what) => {
    const error = await errorOf(["compare", "a", "b"], { nodeOptions: ["--import", thrower(what)] }, 70);
    expect(error).toMatchObject({ code: "INTERNAL", message: "oh" });
  });

  it("is a limit of the machine where it is one", async () => {
    const what = `throw Object.assign(new Error("EMFILE: too many open files"),{code:"EMFILE"})`;
    const error = await errorOf(["compare", "a", "b"], { nodeOptions: ["--import", thrower(what)] }, 3);
    expect(error.code).toBe("TOO_MANY_OPEN_FILES");
  });
});
