import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { writeError } from "../../src/bytes/atomic-file.ts";
import { connectionFailure } from "../../src/bytes/http/failure.ts";
import { fileError } from "../../src/bytes/regular-file.ts";
import { describeFailure } from "../../src/cli/failure.ts";
import { WeightmarkError } from "../../src/errors.ts";
import { machineLimit } from "../../src/machine-limit.ts";
import { failureFrom } from "../../src/scan/failure.ts";

const system = (code: string, message = `${code}: what the system says, open 'x'`) =>
  Object.assign(new Error(message), { code });

const wasm = new RangeError("WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance");

const LIMITS: readonly (readonly [what: string, error: Error, code: string, advice: RegExp])[] = [
  ["a process without handles", system("EMFILE"), "TOO_MANY_OPEN_FILES", /ulimit -n/],
  ["a system without handles", system("ENFILE"), "TOO_MANY_OPEN_FILES", /limit of the whole system/],
  ["an error of a thread", new Error("EMFILE: too many open files, open 'x'"), "TOO_MANY_OPEN_FILES", /ulimit -n/],
  [
    "a thread without handles",
    system("ERR_WORKER_INIT_FAILED", "Worker initialization failure: EMFILE"),
    "TOO_MANY_OPEN_FILES",
    /ulimit -n/,
  ],
  [
    "settings of a module that Node 24 cannot read",
    new Error("Cannot read package config /x/package.json: too many open files."),
    "TOO_MANY_OPEN_FILES",
    /ulimit -n/,
  ],
  [
    "too many threads",
    system("ERR_WORKER_INIT_FAILED", "Worker initialization failure: EAGAIN"),
    "NODE_RESTRICTED",
    /ulimit -u/,
  ],
  ["a small address space", wasm, "KERNEL_MEMORY", /ulimit -v.*--disable-wasm-trap-handler.*weightmark doctor/],
  [
    "a memory that cannot be made",
    new RangeError("WebAssembly.Memory(): could not allocate memory"),
    "KERNEL_MEMORY",
    /ulimit -v/,
  ],
  ["a large array", new RangeError("Array buffer allocation failed"), "OUT_OF_MEMORY", /more memory/],
  ["a full heap of a thread", system("ERR_WORKER_OUT_OF_MEMORY", "Worker terminated"), "OUT_OF_MEMORY", /`threads`/],
  [
    "the permission model",
    Object.assign(system("ERR_ACCESS_DENIED", "Access to this API has been restricted"), {
      permission: "WorkerThreads",
    }),
    "NODE_RESTRICTED",
    /--allow-worker/,
  ],
];

/** Incomplete where there is too little of something, refused where it is not allowed at all. */
const exitCodeFor = (code: string) => (code === "NODE_RESTRICTED" ? 3 : 5);

describe("machineLimit", () => {
  it.each(LIMITS)("tells %s from a bug", (_what, error, code, advice) => {
    const limit = machineLimit(error, "the file")!;
    expect(limit).toMatchObject({ code, file: "the file", cause: error });
    expect(limit.detail).toMatch(advice);
    expect(limit.kind).toBe(code === "NODE_RESTRICTED" ? "refused" : "passing");
  });

  it.each(LIMITS)("is told of %s wherever errors are", (_what, error, code) => {
    expect(fileError(error, "x").code).toBe(code);
    expect(writeError(error, "x").code).toBe(code);
    expect(connectionFailure(error).code).toBe(code);
    // Another time the same model may be read.
    expect(failureFrom(error, "x")).toMatchObject({ code, passing: true });
    const shown = describeFailure(error, { json: false, verbose: false, redact: (text) => text });
    expect(shown.exitCode).toBe(exitCodeFor(code));
    expect(shown.text).not.toContain("bug in weightmark");
  });

  it.each([
    [new TypeError("x is not a function")],
    [new RangeError("Invalid array length")],
    [new Error("WebAssembly.Module(): expected magic word")],
    [system("ENOSPC")],
    ["EMFILE: thrown text"],
    [null],
    [new WeightmarkError("USAGE", "EMFILE: as a file may be called")],
  ])("leaves %s alone", (error) => {
    expect(machineLimit(error)).toBeNull();
  });

  it("takes nothing for a limit that Node says of a missing file", async () => {
    const error = await readFile("EMFILE: absent").catch((reason: unknown) => reason);
    expect(machineLimit(error)).toBeNull();
  });
});
