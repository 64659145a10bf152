import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { isTemporaryName } from "../../../../src/bytes/temporary-name.ts";
import { prng } from "../../../../src/numerics/prng.ts";
import { NODE } from "../../../support/command.ts";
import { digestsBelow, type RawTensor, writeBeside, writeRawModel } from "../../../support/raw-model.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const SCRIPT = fileURLToPath(new URL("../../../support/faulty-copy.mjs", import.meta.url));
const BUILT = new URL("../../../../dist/src/", import.meta.url);
const run = promisify(execFile);

/** A model of two shards with files beside it; the bytes of a matrix are what they are. */
function writeModel(directory: string, rows = 64): string {
  const random = prng("marked copy");
  const tensor = (name: string): RawTensor => {
    const bytes = Uint8Array.from({ length: rows * 128 }, () => random.below(256));
    return { name, dtype: "BF16", shape: [rows, 64], bytes };
  };
  const input = join(directory, "in");
  writeRawModel(input, [{ tensors: [tensor("a"), tensor("b")] }, { tensors: [tensor("c")] }]);
  writeBeside(input, { "nested/tokenizer.json": "{}" });
  return input;
}

const task = (directory: string, fields: object) =>
  JSON.stringify({ input: join(directory, "in"), output: join(directory, "out"), threads: 0, ...fields });

/** What a copy without faults is. */
async function wholeCopy(directory: string): Promise<Map<string, string>> {
  const output = join(directory, "whole");
  await run(NODE, [SCRIPT, task(directory, { fault: "none", output })]);
  return digestsBelow(output);
}

interface Outcome {
  readonly operation: number;
  readonly code: string | null;
  readonly message: string | null;
  readonly left: readonly string[];
}

describe("a marked copy", () => {
  it("fails with WRITE_FAILED and leaves nothing, whichever operation finds the disk full", async () => {
    const directory = temporaryDirectory();
    writeModel(directory);
    const before = digestsBelow(join(directory, "in"));
    const { stdout } = await run(NODE, [SCRIPT, task(directory, { fault: "error" })]);
    const outcomes = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Outcome);
    const failed = outcomes.filter(({ code }) => code !== null);
    expect(failed.length).toBeGreaterThanOrEqual(20);
    for (const { operation, code, message, left } of failed) {
      expect({ operation, code, left }).toEqual({ operation, code: "WRITE_FAILED", left: ["in"] });
      expect(message).toMatch(/could not be written \(ENOSPC/);
    }
    // What is not fatal: a file system without hard links, and at the end no fault at all.
    for (const { left } of outcomes.filter(({ code }) => code === null)) expect(left).toEqual(["in", "out"]);
    expect(outcomes.at(-1)!.code).toBeNull();
    expect(digestsBelow(join(directory, "in"))).toEqual(before);
  });

  it("is absent or whole when killed before any of its operations, and can be made again", async () => {
    const directory = temporaryDirectory();
    writeModel(directory);
    const before = digestsBelow(join(directory, "in"));
    const whole = await wholeCopy(directory);
    const { stdout } = await run(NODE, [SCRIPT, task(directory, { fault: "none" })]);
    const log = JSON.parse(stdout) as string[];
    const operations = log.length;
    expect(operations).toBeGreaterThanOrEqual(20);
    // Every file is on the disk before the copy gets its name: a power cut is a kill that forgets what was not synced.
    expect(log.filter((name) => name === "sync")).toHaveLength(before.size);
    expect(log.lastIndexOf("rename")).toBe(operations - 1);
    let running: Promise<void>[] = [];
    // Twenty of them, the first and the last (the renaming) included.
    for (const at of Array.from({ length: 20 }, (_, i) => 1 + Math.round((i * (operations - 1)) / 19))) {
      const place = join(directory, `kill-${at}`);
      mkdirSync(place);
      running.push(
        (async () => {
          const output = join(place, "out");
          const killed = run(NODE, [SCRIPT, task(directory, { fault: "kill", at, output })]);
          expect(await killed.catch(({ signal }) => signal)).toBe("SIGKILL");
          expect(existsSync(output)).toBe(false);
          expect(readdirSync(place).filter((name) => !isTemporaryName(name))).toEqual([]);
        })(),
      );
      if (running.length < 3 && at < operations) continue;
      await Promise.all(running);
      running = [];
    }
    const again = join(directory, `kill-${operations}`, "out");
    await run(NODE, [SCRIPT, task(directory, { fault: "none", output: again })]);
    expect(digestsBelow(again)).toEqual(whole);
    expect(digestsBelow(join(directory, "in"))).toEqual(before);
  });

  it("is absent or whole when killed while threads write", async () => {
    const directory = temporaryDirectory();
    writeModel(directory, 16_384);
    const whole = await wholeCopy(directory);
    for (const delay of [0, 2, 6, 15]) {
      const output = join(directory, `out-${delay}`);
      const child = spawn(NODE, [SCRIPT, task(directory, { fault: "none", threads: 2, output })], { stdio: "ignore" });
      // The temporary directory is there: writing has begun.
      while (child.exitCode === null && !readdirSync(directory).some((name) => name.endsWith(".tmp"))) {
        await new Promise((wait) => setTimeout(wait, 1));
      }
      await new Promise((wait) => setTimeout(wait, delay));
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "close");
      if (existsSync(output)) expect(digestsBelow(output)).toEqual(whole);
      for (const name of readdirSync(directory)) {
        if (name.endsWith(".tmp")) await run("rm", ["-r", join(directory, name)]);
      }
    }
  });

  it("leaves nothing when interrupted", async () => {
    const directory = temporaryDirectory();
    writeModel(directory);
    for (const at of [2, 9, 17]) {
      const child = run(NODE, [SCRIPT, task(directory, { fault: "interrupt", at })]);
      expect(await child.catch(({ code }) => code)).toBe(130);
      expect(readdirSync(directory)).toEqual(["in"]);
    }
  });

  it.runIf(process.platform === "linux")("leaves nothing when the system lets no file grow so large", async () => {
    const directory = temporaryDirectory();
    writeModel(directory);
    const script = `
      const { openCheckpoint } = await import("${new URL("checkpoint/open-checkpoint.js", BUILT).href}");
      const { writeMarkedCopy } = await import("${new URL("watermark/copy/marked-copy.js", BUILT).href}");
      process.on("SIGXFSZ", () => {});
      const [input, output, threads] = process.argv.slice(1);
      const error = await writeMarkedCopy(await openCheckpoint(input), output, new Map(), { threads: Number(threads) }).catch((e) => e);
      console.log(error.code, error.file);`;
    for (const threads of ["0", "2"]) {
      const output = join(directory, "out");
      // 8 blocks of 1024 bytes; the shards have 16 kB and 8 kB of weights.
      const limited = `ulimit -f 8; exec "$0" --input-type=module -e "$1" "$2" "$3" ${threads}`;
      const { stdout } = await run("bash", ["-c", limited, NODE, script, join(directory, "in"), output]);
      expect(stdout.trim()).toBe(`WRITE_FAILED ${join(output, "model-1-of-2.safetensors")}`);
      expect(readdirSync(directory)).toEqual(["in"]);
    }
  });
});
