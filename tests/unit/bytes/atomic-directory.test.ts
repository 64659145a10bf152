import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeDirectoryAtomic } from "../../../src/bytes/atomic-directory.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const fill = async (temporary: string): Promise<string> => {
  mkdirSync(join(temporary, "nested"));
  writeFileSync(join(temporary, "nested/file"), "text");
  return "result";
};

describe("writeDirectoryAtomic", () => {
  it("gives the directory its name when it is full, and passes the result on", async () => {
    const parent = temporaryDirectory();
    const output = join(parent, "out");
    const result = await writeDirectoryAtomic(`${output}/`, async (temporary) => {
      expect(readdirSync(parent)).toHaveLength(1);
      expect(existsSync(output)).toBe(false);
      return fill(temporary);
    });
    expect(result).toBe("result");
    expect(readdirSync(parent)).toEqual(["out"]);
    expect(readFileSync(join(output, "nested/file"), "utf8")).toBe("text");
  });

  it("replaces nothing, not even what is empty or leads nowhere", async () => {
    const parent = temporaryDirectory();
    mkdirSync(join(parent, "empty"));
    mkdirSync(join(parent, "full"));
    writeFileSync(join(parent, "full/x"), "");
    writeFileSync(join(parent, "file"), "");
    symlinkSync("nowhere", join(parent, "link"));
    const before = readdirSync(parent).sort();
    for (const name of before) await refusal(writeDirectoryAtomic(join(parent, name), fill), "OUTPUT_EXISTS");
    expect(readdirSync(parent).sort()).toEqual(before);
  });

  it.each(["file", "full directory"])("does not replace a %s that appears meanwhile", async (kind) => {
    const parent = temporaryDirectory();
    const output = join(parent, "out");
    const racing = writeDirectoryAtomic(output, async (temporary) => {
      await fill(temporary);
      if (kind === "file") writeFileSync(output, "theirs");
      else await fill(mkdirSync(output, { recursive: true })!);
    });
    await refusal(racing, "OUTPUT_EXISTS");
    expect(readdirSync(parent)).toEqual(["out"]);
    expect(readFileSync(kind === "file" ? output : join(output, "nested/file"), "utf8")).toMatch(/theirs|text/);
  });

  it("leaves nothing when filling fails, and passes the error on", async () => {
    const parent = temporaryDirectory();
    const error = new Error("no more");
    const failing = writeDirectoryAtomic(join(parent, "out"), async (temporary) => {
      await fill(temporary);
      throw error;
    });
    await expect(failing).rejects.toBe(error);
    expect(readdirSync(parent)).toEqual([]);
  });

  it("needs a directory to write into", async () => {
    const parent = temporaryDirectory();
    await refusal(writeDirectoryAtomic(join(parent, "none/out"), fill), "WRITE_FAILED");
    writeFileSync(join(parent, "file"), "");
    await refusal(writeDirectoryAtomic(join(parent, "file/out"), fill), "WRITE_FAILED");
  });
});
