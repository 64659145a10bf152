import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeDirectory } from "../../../src/bytes/make-directory.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

describe("makeDirectory", () => {
  it("makes what is missing, whoever makes a part of it meanwhile", async () => {
    const root = temporaryDirectory();
    const path = join(root, "a", "b", "c");
    await Promise.all([makeDirectory(path), makeDirectory(join(root, "a", "b", "d")), makeDirectory(path)]);
    expect(statSync(path).isDirectory()).toBe(true);
    expect(existsSync(join(root, "a", "b", "d"))).toBe(true);
  });

  it("is content with what is there, by a link as well", async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, "there"));
    symlinkSync("there", join(root, "link"));
    await makeDirectory(root);
    await makeDirectory("/");
    await makeDirectory(".");
    await makeDirectory(join(root, "link", "below"));
    expect(existsSync(join(root, "there", "below"))).toBe(true);
  });

  it("refuses what stands in the way, and says what it was made for", async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, "file"), "");
    symlinkSync("nowhere", join(root, "dangling"));
    for (const path of [join(root, "file"), join(root, "file", "below"), join(root, "dangling")]) {
      const error = await refusal(makeDirectory(path, "the journal"), "WRITE_FAILED");
      expect(error).toMatchObject({ file: "the journal", kind: "refused" });
      expect(error.message).toMatch(/^the journal could not be written \((?:EEXIST|ENOTDIR): no directory for it\)$/);
    }
  });

  // Node's own recursive mkdir never ends here.
  it.skipIf(process.platform !== "linux")("refuses what lies where no directory can be made", async () => {
    for (const path of ["/proc/weightmark", "/proc/weightmark/below/it"]) {
      const error = await refusal(makeDirectory(path), "WRITE_FAILED");
      expect(error.message).toContain("ENOENT");
    }
  });
});
