import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { writeFileAtomic } from "../../../src/bytes/atomic-file.ts";
import { isTemporaryName } from "../../../src/bytes/temporary-name.ts";
import { leaveBehind, onLinux } from "../../support/left-behind.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const onPosix = process.platform !== "win32";
const built = fileURLToPath(new URL("../../../dist/src/bytes/atomic-file.js", import.meta.url));

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe("writeFileAtomic", () => {
  it("writes bytes, lists and streams, and leaves only the file", async () => {
    const directory = temporaryDirectory();
    await writeFileAtomic(join(directory, "a"), Buffer.from("bytes"));
    await writeFileAtomic(join(directory, "b"), [Buffer.from("in "), Buffer.from("pieces")]);
    await writeFileAtomic(join(directory, "c"), pieces("a ", "", "stream"));
    await writeFileAtomic(join(directory, "d"), new Uint8Array(0));
    expect(readdirSync(directory)).toEqual(["a", "b", "c", "d"]);
    expect(["a", "b", "c", "d"].map((name) => readFileSync(join(directory, name), "utf8"))).toEqual([
      ...["bytes", "in pieces", "a stream", ""],
    ]);
  });

  it("writes names as long as names can be", async () => {
    const path = join(temporaryDirectory(), "n".repeat(255));
    await writeFileAtomic(path, Buffer.from("x"));
    expect(readFileSync(path, "utf8")).toBe("x");
  });

  it.runIf(onPosix)("leaves the mode to the umask", async () => {
    const path = join(temporaryDirectory(), "file");
    await writeFileAtomic(path, Buffer.from("x"));
    expect(statSync(path).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  it("refuses to replace a file unless told to", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "file");
    writeFileSync(path, "old");
    await refusal(writeFileAtomic(path, Buffer.from("new")), "OUTPUT_EXISTS");
    expect(readFileSync(path, "utf8")).toBe("old");
    await writeFileAtomic(path, Buffer.from("new"), { overwrite: true });
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readdirSync(directory)).toEqual(["file"]);
  });

  it("does not replace a file that appears while it writes", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "file");
    async function* content() {
      yield Buffer.from("ours");
      writeFileSync(path, "theirs");
    }
    await refusal(writeFileAtomic(path, content()), "OUTPUT_EXISTS");
    expect(readFileSync(path, "utf8")).toBe("theirs");
    expect(readdirSync(directory)).toEqual(["file"]);
  });

  it.runIf(onPosix)("replaces a link, not what it leads to, and no directory or device", async () => {
    const directory = temporaryDirectory();
    const at = (name: string) => join(directory, name);
    writeFileSync(at("target"), "old");
    symlinkSync("target", at("link"));
    symlinkSync("nowhere", at("dangling"));
    symlinkSync("/dev/null", at("null"));
    mkdirSync(at("directory"));
    await writeFileAtomic(at("link"), Buffer.from("new"), { overwrite: true });
    await writeFileAtomic(at("dangling"), Buffer.from("new"), { overwrite: true });
    expect([readFileSync(at("target"), "utf8"), readFileSync(at("link"), "utf8")]).toEqual(["old", "new"]);
    expect(lstatSync(at("dangling")).isFile()).toBe(true);
    await refusal(writeFileAtomic(at("null"), Buffer.from("x"), { overwrite: true }), "NOT_A_REGULAR_FILE");
    await refusal(writeFileAtomic(at("directory"), Buffer.from("x"), { overwrite: true }), "NOT_A_REGULAR_FILE");
    await refusal(writeFileAtomic(at("directory"), Buffer.from("x")), "OUTPUT_EXISTS");
    expect(readdirSync(directory).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("passes the content's own error on and leaves nothing behind, nor harms what was there", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "file");
    writeFileSync(path, "old");
    const own = new Error("the source failed");
    async function* content() {
      yield Buffer.from("half");
      throw own;
    }
    await expect(writeFileAtomic(path, content(), { overwrite: true })).rejects.toBe(own);
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(directory)).toEqual(["file"]);
  });

  it("refuses a directory that is not there", async () => {
    const path = join(temporaryDirectory(), "absent", "file");
    const error = await refusal(writeFileAtomic(path, Buffer.from("x")), "WRITE_FAILED");
    expect(error).toMatchObject({ file: path });
  });

  it.runIf(onPosix)("leaves nothing behind when the disk takes no more", () => {
    const directory = temporaryDirectory();
    const script = `import(${JSON.stringify(`file://${built}`)}).then((m) => m.writeFileAtomic(process.argv[1], (function* () {
      for (let i = 0; i < 64; i++) yield new Uint8Array(65536);
    })())).catch((error) => console.log(error.code));`;
    // A file size limit stands in for a full disk: the kernel refuses the write in the middle of the file.
    const shell = `ulimit -f 512; exec "${process.execPath}" -e '${script}' "${join(directory, "file")}"`;
    expect(execFileSync("sh", ["-c", shell], { encoding: "utf8" })).toBe("WRITE_FAILED\n");
    expect(readdirSync(directory)).toEqual([]);
  });

  it.runIf(onPosix)("leaves no output when it is killed in the middle", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "file");
    const script = `import(${JSON.stringify(`file://${built}`)}).then((m) => m.writeFileAtomic(process.argv[1], (async function* () {
      yield new Uint8Array(1000);
      console.log("written");
      await new Promise((resolve) => setTimeout(resolve, 1e9));
    })()))`;
    const child = spawn(process.execPath, ["-e", script, path], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGKILL");
    await ended;
    expect(existsSync(path)).toBe(false);
    const left = readdirSync(directory);
    expect(left).toHaveLength(1);
    expect(left.every(isTemporaryName)).toBe(true);
  });

  it.runIf(onLinux)("takes away what killed writers left beside it, unless it is not to look", async () => {
    const directory = temporaryDirectory();
    const name = leaveBehind(directory);
    await writeFileAtomic(join(directory, "a"), Buffer.from("whole"), { tidy: false });
    expect(readdirSync(directory).sort()).toEqual([name, "a"]);
    await writeFileAtomic(join(directory, "b"), Buffer.from("whole"));
    expect(readdirSync(directory).sort()).toEqual(["a", "b"]);
  });

  it("is not disturbed by what a killed writer left", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, ".weightmark-0000000000000000.tmp"), "half");
    await writeFileAtomic(join(directory, "file"), Buffer.from("whole"));
    expect(readFileSync(join(directory, "file"), "utf8")).toBe("whole");
  });
});
