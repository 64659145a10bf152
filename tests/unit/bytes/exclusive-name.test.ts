import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeFileAtomic } from "../../../src/bytes/atomic-file.ts";
import { nameExclusively } from "../../../src/bytes/exclusive-name.ts";
import { WeightmarkError } from "../../../src/errors.ts";
import { replaceLinks, withoutLinks } from "../../support/failing-links.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** What file systems without hard links answer: FUSE, SMB, gcsfuse and s3fs, exFAT on Windows, some of NFS. */
const NO_LINKS = ["ENOTSUP", "EPERM", "ENOSYS", "EOPNOTSUPP", "EISDIR", "EINVAL", "EACCES", "UNKNOWN"];

describe.each(["hard links", ...NO_LINKS])("a name of its own, with %s", (kind) => {
  function directory(): string {
    if (kind !== "hard links") withoutLinks(kind);
    return temporaryDirectory();
  }

  it("is given to a file that is there, and never taken from another", async () => {
    const root = directory();
    const [old, fresh, name] = ["old", "fresh", "name"].map((file) => join(root, file)) as [string, string, string];
    writeFileSync(old, "old");
    writeFileSync(fresh, "fresh");
    expect(await nameExclusively(old, name)).toBe(true);
    expect(await nameExclusively(fresh, name)).toBe(false);
    expect(readdirSync(root)).toEqual(["fresh", "name"]);
    expect(readFileSync(name, "utf8")).toBe("old");
  });

  it("goes to one of many writers, whole", async () => {
    const root = directory();
    const path = join(root, "output");
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, writer) =>
        writeFileAtomic(path, Buffer.alloc(1000, String(writer))).then(
          () => writer,
          (error) => (error instanceof WeightmarkError ? error.code : error),
        ),
      ),
    );
    const winners = outcomes.filter((outcome) => typeof outcome === "number");
    expect(outcomes.filter((outcome) => outcome === "OUTPUT_EXISTS")).toHaveLength(7);
    expect(readFileSync(path, "utf8")).toBe(String(winners[0]).repeat(1000));
    expect(readdirSync(root)).toEqual(["output"]);
  });

  it("is not left behind without its file", async () => {
    const root = directory();
    await expect(nameExclusively(join(root, "none"), join(root, "name"))).rejects.toMatchObject({ code: "ENOENT" });
    expect(readdirSync(root)).toEqual([]);
    await refusal(writeFileAtomic(join(root, "no/such/place"), Buffer.from("x")), "WRITE_FAILED");
  });
});

it("is had when the link was made although the file system says that it is there", async () => {
  replaceLinks((link) => async (existing, path) => {
    await link(existing, path);
    throw Object.assign(new Error("EEXIST"), { code: "EEXIST" });
  });
  const root = temporaryDirectory();
  await writeFileAtomic(join(root, "output"), Buffer.from("x"));
  await refusal(writeFileAtomic(join(root, "output"), Buffer.from("y")), "OUTPUT_EXISTS");
  expect(readdirSync(root)).toEqual(["output"]);
  expect(readFileSync(join(root, "output"), "utf8")).toBe("x");
});
