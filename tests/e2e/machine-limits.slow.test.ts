import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../../src/cli/exit-codes.ts";
import type { DoctorReport, ErrorReport } from "../../src/report/schemas/index.ts";
import { type CommandResult, EXECUTABLE, NODE } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { modelBytes, type TinyModel, tinyModel } from "../support/tiny-model.ts";

const onLinux = process.platform === "linux";
const root = scratchDirectory();
const REGISTRY = fileURLToPath(new URL("../../examples/registry", import.meta.url));

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
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A module for `--import` that does this as soon as the command line is loaded. */
function onceLoaded(what: string, before = ""): string {
  const listen = `(name)=>{if(name==="uncaughtException"){${what}}}`;
  return `data:text/javascript,${encodeURIComponent(`${before}process.on("newListener",${listen})`)}`;
}

/** Runs the command where the machine allows little. */
function run(
  args: readonly string[],
  { limit = "true", nodeOptions = [], executable = EXECUTABLE, env: more = {} }: Limits,
): Promise<CommandResult> {
  const env = {
    ...process.env,
    WEIGHTMARK_REGISTRY: join(root, "no-registry"),
    XDG_CACHE_HOME: join(root, "cache"),
    XDG_STATE_HOME: join(root, "state"),
    ...more,
  };
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
      const error = await errorOf(args, limits, 5);
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
    ["scarce", `throw Object.assign(new Error("x"), { code: "EMFILE" })`, 5, "TOO_MANY_OPEN_FILES", /ulimit -n/],
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

interface Diagnosis {
  readonly exitCode: number | null;
  readonly ok: boolean;
  /** Status of each check by name. */
  readonly checks: ReadonlyMap<string, string>;
  /** The code of the error where `doctor` itself could not be loaded: Node 22 needs WebAssembly to load packages. */
  readonly refused: string | null;
}

async function doctor(limits: Limits): Promise<Diagnosis> {
  const { exitCode, stdout, stderr } = await run(["doctor", "--json"], limits);
  if (stdout === "") {
    const { error } = requireValid<ErrorReport>("error@1", JSON.parse(stderr.trim().split("\n").at(-1)!));
    return { exitCode, ok: false, checks: new Map(), refused: error.code };
  }
  const { ok, checks } = requireValid<DoctorReport>("doctor@1", JSON.parse(stdout));
  return { exitCode, ok, checks: new Map(checks.map(({ name, status }) => [name, status])), refused: null };
}

describe("a Node that runs no kernels", () => {
  const noRoom = `WebAssembly.Instance=class{constructor(){throw new RangeError("WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance")}}`;

  it.each([
    ["no WebAssembly", ["--jitless"], "ENGINE_UNAVAILABLE", /--jitless/],
    [
      "no room for its memory",
      ["--import", `data:text/javascript,${encodeURIComponent(noRoom)}`],
      "KERNEL_MEMORY",
      /ulimit -v.*doctor/,
    ],
    [
      "no instructions that it needs",
      ["--import", "data:text/javascript,WebAssembly.Module=class{constructor(){throw new Error('no SIMD')}}"],
      "ENGINE_UNAVAILABLE",
      /SIMD/,
    ],
  ] as const)("is no bug: %s", async (_what, nodeOptions, code, advice) => {
    const limits = { nodeOptions };
    for (const args of [
      ["compare", "a", "b"],
      ["fingerprint", "a"],
      ["scan", "a", "--registry", REGISTRY],
    ]) {
      const { exitCode, stderr } = await run(args, limits);
      expect(exitCode, stderr).toBe(exitCodeOf(code));
      expect(stderr).toContain(`(${code})`);
      expect(stderr).toMatch(advice);
    }
    const { ok, exitCode, checks, refused } = await doctor(limits);
    expect([ok, exitCode]).toEqual([false, refused === null ? 3 : exitCodeOf(code)]);
    const found = ["node", "kernels", "engine wasm"].map((name) => checks.get(name));
    expect(refused ?? found).toEqual(refused === null ? ["ok", "failed", "failed"] : code);
  });

  it.runIf(onLinux)("is no bug: a small address space, which newer ones come along with", async () => {
    const limits = { limit: "ulimit -v 8000000" };
    const { exitCode, stderr } = await run(["compare", "a", "b", "--no-progress"], limits);
    const { checks, refused } = await doctor(limits);
    const found = refused ?? ["kernels", "engine wasm"].map((name) => checks.get(name));
    if (exitCode === 0) return expect(found).toEqual(["ok", "ok"]);
    expect(exitCode, stderr).toBe(5);
    expect(stderr).toContain("(KERNEL_MEMORY)");
    expect(found).toEqual(refused === null ? ["failed", "failed"] : "KERNEL_MEMORY");
    const helped = await run(["compare", "a", "b"], { ...limits, nodeOptions: ["--disable-wasm-trap-handler"] });
    expect(helped.exitCode, helped.stderr).toBe(0);
  });
});

describe("Node's permission model", () => {
  it("is no bug", async () => {
    // As it was called on trial.
    const isOld = (await run(["--version"], { nodeOptions: ["--permission"] })).exitCode === 9;
    const flag = isOld ? "--experimental-permission" : "--permission";
    const nodeOptions = [flag, "--allow-fs-read=*"];
    const args = ["fingerprint", "a", "--depth", "full", "--threads", "2"];
    const threads = await run(args, { nodeOptions });
    expect(threads.exitCode, threads.stderr).toBe(3);
    expect(threads.stderr).toMatch(/\(NODE_RESTRICTED\)\n.*--allow-worker/);
    const output = await run(["inspect", "a", "-o", "result.json"], { nodeOptions });
    expect(output.exitCode, output.stderr).toBe(3);
    expect(output.stderr).toMatch(/\(NODE_RESTRICTED\)\n.*--allow-fs-write/);
  });
});

describe("proxies", () => {
  it.each([
    ["socks4://me:hunter2@localhost:1", /HTTPS_PROXY names a socks4:\/\/ proxy/],
    ["http://me:hunter2@", /HTTPS_PROXY holds no address/],
  ])("that cannot be used are errors of usage: %s", async (value, message) => {
    const env = { HTTPS_PROXY: value, https_proxy: undefined, no_proxy: undefined, NO_PROXY: undefined };
    for (const model of ["hf:org/name", "https://weights.example/model.safetensors"]) {
      const { exitCode, stderr } = await run(["inspect", model], { env });
      expect(exitCode, stderr).toBe(2);
      expect(stderr).toMatch(message);
      expect(stderr).toContain("(PROXY_INVALID)");
      expect(stderr).not.toContain("hunter2");
    }
    expect((await run(["inspect", "a"], { env })).exitCode).toBe(0);
    expect((await doctor({ env })).checks.get("proxy")).toBe("failed");
    expect((await doctor({ env: { ...env, NO_PROXY: "*" } })).checks.get("proxy")).toBe("absent");
    expect((await doctor({ env: { ...env, HTTPS_PROXY: "me:hunter2@proxy:3128" } })).checks.get("proxy")).toBe("ok");
  });
});

describe("warnings", () => {
  const warner = onceLoaded(
    `setImmediate(()=>{for(const name of ["ExperimentalWarning","DeprecationWarning","Warning"])process.emitWarning("of "+name,name)})`,
  );

  it("of libraries are for those who ask for more, those of Node for everybody", async () => {
    const quiet = await run(["compare", "a", "b", "--no-progress"], { nodeOptions: ["--import", warner] });
    expect(quiet.exitCode).toBe(0);
    expect(quiet.stderr).toMatch(/^\(node:\d+\) Warning: of Warning\n\(Use .*\n$/);
    const verbose = await run(["compare", "a", "b", "-v"], { nodeOptions: ["--import", warner] });
    for (const name of ["ExperimentalWarning", "DeprecationWarning"]) expect(verbose.stderr).toContain(`of ${name}`);
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
    const error = await errorOf(["compare", "a", "b"], { nodeOptions: ["--import", thrower(what)] }, 5);
    expect(error.code).toBe("TOO_MANY_OPEN_FILES");
  });
});
