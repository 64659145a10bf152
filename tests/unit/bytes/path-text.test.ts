import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeDirectoryAtomic } from "../../../src/bytes/atomic-directory.ts";
import { writeFileAtomic } from "../../../src/bytes/atomic-file.ts";
import { openFileSource } from "../../../src/bytes/file-source.ts";
import { entriesIn, fsPath, pathText, realPath } from "../../../src/bytes/path-text.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { argumentsOf } from "../../../src/cli/arguments.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { modelBytes, tinyModel } from "../../support/tiny-model.ts";

/** Other systems give out no names but UTF-8. */
const onLinux = process.platform === "linux";
const bytesOf = (path: string) => Buffer.from(fsPath(path) as string);

describe("names as text", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 24 }),
    // What is nearly UTF-8: sequences that are cut, too long, or halves of pairs.
    fc
      .array(
        fc.constantFrom(
          [0xe9],
          [0xc3, 0xa9],
          [0xc3],
          [0xed, 0xa0, 0x80],
          [0xf0, 0x9f, 0x98, 0x80],
          [0xc0, 0xaf],
          [0x61],
        ),
        { maxLength: 8 },
      )
      .map((parts) => Uint8Array.from(parts.flat())),
  );

  test.prop([bytes], { numRuns: 2000 })("lead back to their bytes, and add nothing that parts a path", (name) => {
    const text = pathText(name);
    expect(bytesOf(text)).toEqual(Buffer.from(name));
    expect(JSON.parse(JSON.stringify(text))).toBe(text);
    expect(text.split("/").length).toBe([...name].filter((byte) => byte === 0x2f).length + 1);
    // Different bytes have different names.
    expect([...text].length).toBeGreaterThanOrEqual([...name].filter((byte) => byte < 0x80).length);
  });

  test.prop([fc.string({ unit: "binary" })])("are what they are where they are UTF-8", (text) => {
    expect(pathText(Buffer.from(text, "utf8"))).toBe(text);
    expect(fsPath(text)).toBe(text);
  });
});

describe.runIf(onLinux)("files whose names are no UTF-8", () => {
  function latinModel(): { directory: string; path: string } {
    const directory = temporaryDirectory();
    const path = join(directory, pathText(Buffer.from("mod\xe9le", "latin1")));
    mkdirSync(fsPath(path));
    writeFileSync(fsPath(join(path, "poids-\udcff.safetensors")), modelBytes(tinyModel(1)));
    return { directory, path };
  }

  it("are listed, found and opened", async () => {
    const { directory, path } = latinModel();
    symlinkSync(fsPath(path), join(directory, "link"));
    const names: string[] = [];
    for await (const { name, kind } of entriesIn(directory)) names.push(`${name} ${kind.isDirectory()}`);
    expect(names.sort()).toEqual(["link false", "mod\udce9le true"]);
    expect(await realPath(join(directory, "link"))).toBe(path);
    const source = await openFileSource(join(path, "poids-\udcff.safetensors"));
    await source.verifyUnchanged();
    await source.close();
    for (const location of [path, join(directory, "link"), join(path, "poids-\udcff.safetensors")]) {
      const checkpoint = await openCheckpoint(location);
      await checkpoint.verifyUnchanged();
      await checkpoint.close();
      expect(checkpoint.files).toMatchObject([
        { path: "poids-\udcff.safetensors", absolutePath: join(path, "poids-\udcff.safetensors") },
      ]);
    }
  });

  it("are told from what is not there", async () => {
    const { directory, path } = latinModel();
    const lost = await refusal(openCheckpoint(path.replace("\udce9", "\ufffd")), "FILE_NOT_FOUND");
    expect(lost.detail).toMatch(/^If bytes that are no UTF-8 .* rename it, or scan the directory/);
    expect(`${(await refusal(openCheckpoint(`${path}-absent`), "FILE_NOT_FOUND")).detail}`).not.toContain("UTF-8");
    expect((await refusal(openCheckpoint(directory), "NO_WEIGHTS")).detail).toContain(path);
  });

  it("are not written under another name", async () => {
    const { directory, path } = latinModel();
    await refusal(writeFileAtomic(join(directory, "r\udce9sultat"), new Uint8Array(1)), "WRITE_FAILED");
    await refusal(
      writeDirectoryAtomic(join(path, "sortie"), async () => {}),
      "WRITE_FAILED",
    );
    expect(readdirSync(directory)).toHaveLength(1);
  });
});

describe("arguments", () => {
  const line = (...args: (string | Buffer)[]) =>
    Buffer.concat(args.flatMap((arg) => [Buffer.from(arg as string), Buffer.of(0)]));
  const latin = Buffer.from("mod\xe9le", "latin1");

  it("are those that the system tells, where Node has lost bytes of them", async () => {
    const given = ["inspect", "", latin.toString("utf8")];
    const own = line("node", "--flag", "x.js", "inspect", "", latin);
    const handedOn = line("node", "x.js", ...given);
    for (const lines of [[own], [handedOn, own], [line("sh"), own]]) {
      expect(await argumentsOf(given, () => lines)).toEqual(["inspect", "", "mod\udce9le"]);
    }
  });

  it.each<[string, Buffer[]]>([
    ["nobody tells", []],
    ["others are told", [line("node", "x.js", "inspect", "", "else")]],
    ["fewer are told", [line("inspect")]],
    ["it is what was given", [line("node", "x.js", "inspect", "", "mod\ufffdle")]],
  ])("are those of Node where %s", async (_, commandLines) => {
    const given = ["inspect", "", latin.toString("utf8")];
    expect(await argumentsOf(given, () => commandLines)).toBe(given);
  });

  it("are not asked for where nothing was lost", async () => {
    const given = ["inspect", "modèle"];
    const never = () => {
      throw new Error("asked");
    };
    expect(await argumentsOf(given, never)).toBe(given);
  });
});
