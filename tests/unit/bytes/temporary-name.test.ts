import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeDirectoryAtomic } from "../../../src/bytes/atomic-directory.ts";
import { isTemporaryName, removeLeftovers, temporaryName } from "../../../src/bytes/temporary-name.ts";
import { NODE } from "../../support/command.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const BUILT = new URL("../../../dist/src/bytes/", import.meta.url).href;
const onLinux = process.platform === "linux";

/** A directory in which a process was killed while it wrote a directory and a file. */
async function leftBehind(): Promise<string> {
  const directory = temporaryDirectory();
  const script = `
    const { writeDirectoryAtomic } = await import("${BUILT}atomic-directory.js");
    const { stageFile } = await import("${BUILT}atomic-file.js");
    const { writeFileSync } = await import("node:fs");
    await stageFile("file", new Uint8Array(10));
    await writeDirectoryAtomic("out", async (temporary) => {
      writeFileSync(temporary + "/half", "half");
      console.log("written");
      await new Promise((done) => setTimeout(done, 1e9));
    });`;
  const child = spawn(NODE, ["--input-type=module", "-e", script], {
    cwd: directory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
  return directory;
}

describe("names of what is not whole", () => {
  it("are known again, and nothing else is", () => {
    expect(isTemporaryName(temporaryName())).toBe(true);
    expect(temporaryName()).not.toBe(temporaryName());
    expect(isTemporaryName(".weightmark-0123456789abcdef.tmp")).toBe(true);
    for (const name of [".weightmark-x.tmp", "weightmark.tmp", ".weightmark-0123456789abcdef.tmp.bak", "notes.tmp"]) {
      expect(isTemporaryName(name), name).toBe(false);
    }
  });

  it.runIf(onLinux)("tell what a killed process left, which the next directory takes away", async () => {
    const directory = await leftBehind();
    expect(readdirSync(directory)).toHaveLength(2);
    expect(readdirSync(directory).every(isTemporaryName)).toBe(true);
    await writeDirectoryAtomic(join(directory, "next"), async (temporary) => writeFileSync(join(temporary, "x"), ""));
    expect(readdirSync(directory)).toEqual(["next"]);
  });

  it("of a live process, of another machine, or that tell nothing are left alone", async () => {
    const directory = temporaryDirectory();
    const other = temporaryName().replace(/-[0-9a-f]{16}-(?=\d)/, "-0000000000000000-");
    const names = [temporaryName(), other, ".weightmark-0123456789abcdef.tmp", "notes.tmp", ".weightmark-notes.tmp"];
    for (const name of names) mkdirSync(join(directory, name));
    await removeLeftovers(directory);
    expect(readdirSync(directory).sort()).toEqual(names.sort());
    await removeLeftovers(join(directory, "absent"));
    expect(existsSync(join(directory, "absent"))).toBe(false);
  });
});
