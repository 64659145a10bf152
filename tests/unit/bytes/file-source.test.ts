import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isSync } from "../../../src/bytes/byte-source.ts";
import { openFileSource } from "../../../src/bytes/file-source.ts";
import { fileError } from "../../../src/bytes/regular-file.ts";
import { WeightmarkError } from "../../../src/errors.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const onPosix = process.platform !== "win32";

function fileOf(bytes: string): string {
  const path = join(temporaryDirectory(), "file");
  writeFileSync(path, bytes);
  return path;
}

const readSync = async (path: string, length: number, start: number) => {
  const source = await openFileSource(path);
  const target = new Uint8Array(length);
  try {
    source.readIntoSync(target, start);
    return Buffer.from(target).toString();
  } finally {
    await source.close();
  }
};

describe("openFileSource", () => {
  it("reads any range, both ways", async () => {
    const path = fileOf("0123456789");
    const source = await openFileSource(path);
    expect([source.location, source.size, isSync(source)]).toEqual([path, 10, true]);
    expect(Buffer.from(await source.read(2, 5)).toString()).toBe("234");
    expect(await source.read(10, 10)).toHaveLength(0);
    await source.close();
    expect(await readSync(path, 10, 0)).toBe("0123456789");
    expect(await readSync(path, 1, 9)).toBe("9");
  });

  it("gives reads memory of their own", async () => {
    const source = await openFileSource(fileOf("0123456789"));
    const bytes = await source.read(0, 4);
    expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([0, 4]);
    await source.close();
  });

  it.each([
    [-1, 2],
    [0, 11],
    [5, 4],
    [0.5, 2],
    [0, Number.NaN],
  ])("refuses the range %d to %d", async (start, end) => {
    const source = await openFileSource(fileOf("0123456789"));
    await refusal(source.read(start, end), "READ_OUT_OF_RANGE");
    await source.close();
  });

  it("refuses a synchronous read beyond the end", async () => {
    await refusal(readSync(fileOf("0123"), 3, 2), "READ_OUT_OF_RANGE");
  });

  it("calls the file what it is told to", async () => {
    const path = fileOf("0");
    const source = await openFileSource(path, "shown");
    expect((await refusal(source.read(0, 2), "READ_OUT_OF_RANGE")).file).toBe("shown");
    await source.close();
  });

  it("refuses what is no regular file", async () => {
    const directory = temporaryDirectory();
    await refusal(openFileSource(directory), "NOT_A_REGULAR_FILE");
    await refusal(openFileSource(join(directory, "absent")), "FILE_NOT_FOUND");
    await refusal(openFileSource(join(fileOf("x"), "below-a-file")), "FILE_NOT_FOUND");
    await refusal(openFileSource(join(directory, "nul\0")), "FILE_NOT_FOUND");
    await refusal(openFileSource(join(directory, "n".repeat(5000))), "FILE_UNREADABLE");
  });

  it.runIf(onPosix)("refuses FIFOs, devices and sockets without waiting for anybody", async () => {
    const directory = temporaryDirectory();
    const fifo = join(directory, "fifo");
    execFileSync("mkfifo", [fifo]);
    expect((await refusal(openFileSource(fifo), "NOT_A_REGULAR_FILE")).message).toMatch(/FIFO/);
    expect((await refusal(openFileSource("/dev/zero"), "NOT_A_REGULAR_FILE")).message).toMatch(/device/);
    const server = createServer();
    await new Promise<void>((done) => server.listen(join(directory, "socket"), done));
    expect((await refusal(openFileSource(join(directory, "socket")), "NOT_A_REGULAR_FILE")).message).toMatch(/socket/);
    server.close();
  });

  it.runIf(onPosix)("follows links, but not in circles or into nothing", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "target"), "abc");
    symlinkSync("target", join(directory, "link"));
    symlinkSync("a", join(directory, "b"));
    symlinkSync("b", join(directory, "a"));
    symlinkSync("nowhere", join(directory, "dangling"));
    expect(await readSync(join(directory, "link"), 3, 0)).toBe("abc");
    expect((await refusal(openFileSource(join(directory, "a")), "FILE_UNREADABLE")).message).toMatch(/loop/);
    await refusal(openFileSource(join(directory, "dangling")), "FILE_NOT_FOUND");
  });

  it("maps errors of the file system to codes and keeps our own", () => {
    const denied = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
    expect(fileError(denied, "p")).toMatchObject({ code: "FILE_UNREADABLE", file: "p", cause: denied });
    expect(fileError(new Error("odd"), "p").message).toContain("odd");
    const own = new WeightmarkError("USAGE", "x");
    expect(fileError(own, "p")).toBe(own);
  });

  it("fails with a code when the descriptor is gone", async () => {
    const source = await openFileSource(fileOf("0123"));
    await source.close();
    await refusal(source.read(0, 1), "FILE_UNREADABLE");
    expect(() => source.readIntoSync(new Uint8Array(1), 0)).toThrow(WeightmarkError);
  });
});

describe("change detection", () => {
  it("is content with a file that nobody touches", async () => {
    const source = await openFileSource(fileOf("0123"));
    await source.read(0, 4);
    await source.verifyUnchanged();
    await source.close();
  });

  it.each<[string, (path: string) => void]>([
    ["grows", (path) => appendFileSync(path, "x")],
    ["shrinks", (path) => truncateSync(path, 2)],
    ["is written to", (path) => utimesSync(path, 1, 1)],
    ["is removed", (path) => rmSync(path)],
    [
      "is replaced by a copy",
      (path) => {
        writeFileSync(`${path}.new`, readFileSync(path));
        renameSync(`${path}.new`, path);
      },
    ],
    [
      "is replaced by a directory",
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
  ])("notices that the file %s", async (_what, change) => {
    const path = fileOf("0123");
    const source = await openFileSource(path);
    change(path);
    await refusal(source.verifyUnchanged(), "CHANGED_DURING_READ");
    await source.close();
  });

  it("notices a truncated file while reading", async () => {
    const path = fileOf("0123");
    const source = await openFileSource(path);
    truncateSync(path, 2);
    await refusal(source.read(0, 4), "CHANGED_DURING_READ");
    expect(() => source.readIntoSync(new Uint8Array(4), 0)).toThrow(/truncated/);
    await source.close();
  });
});

describe("what to do about a file that cannot be opened", () => {
  const cause = (code: string) => Object.assign(new Error(code), { code });

  it.each([
    ["EACCES", /right to read it/],
    ["ELOOP", /Name what the links should lead to/],
    ["ENAMETOOLONG", /shorter/],
    ["EIO", /^See whether another program can read it/],
  ])("follows from %s", (code, detail) => {
    const error = fileError(cause(code), "x");
    expect(error.code).toBe("FILE_UNREADABLE");
    expect(error.detail).toMatch(detail);
  });
});
