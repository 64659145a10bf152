import { execFile, execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandResult, EXECUTABLE, NODE, runCommand } from "../support/command.ts";
import { storeModel } from "../support/keyed-model.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { smallDisk } from "../support/small-disk.ts";
import { gaussianLlama } from "../support/spread-model.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const isRoot = process.getuid?.() === 0;
/** Whom the kernel forbids something: root it does not. */
const NOBODY = isRoot ? { uid: 65_534, gid: 65_534 } : {};

beforeAll(async () => {
  for (const [i, name] of ["a", "b"].entries()) writeModel(at("input", name), tinyModel(i + 1));
  const config = { model_type: "llama", hidden_size: 256, num_attention_heads: 4, num_key_value_heads: 4 };
  storeModel(at("input", "large"), gaussianLlama(1, { layers: 2 }), { "config.json": config });
  writeFileSync(at("input", "list"), `${at("input", "a")}\n`);
  const made = [
    ["registry", "add", "input/a", "--registry", "input/r", "--deterministic", "--name", "base"],
    ["key", "generate", "--no-passphrase", "-o", "input/key"],
  ];
  for (const args of made) expect(await runCommand(args, { cwd: root })).toMatchObject({ exitCode: 0 });
  chmodSync(root, 0o755);
  mkdirSync(at("temporary"));
  chmodSync(at("temporary"), 0o777);
});

const input = (name: string) => at("input", name);
const SCAN = ["scan", input("a"), "--registry", input("r"), "--jobs", "0", "--no-cache", "--offline"];

/** Commands that write into the directory that they run in, where a registry `r` lies. */
const WRITERS: readonly (readonly [string, readonly string[]])[] = [
  ["inspect -o", ["inspect", input("a"), "-o", "out"]],
  ["fingerprint", ["fingerprint", input("a"), "-o", "out"]],
  ["registry add, the first", ["registry", "add", input("a"), "--registry", "new"]],
  ["registry add, a later one", ["registry", "add", input("b"), "--registry", "r"]],
  ["registry remove", ["registry", "remove", "base", "--registry", "r"]],
  ["registry export", ["registry", "export", "--registry", "r", "-o", "out"]],
  ["key generate", ["key", "generate", "--no-passphrase", "-o", "out"]],
  ["scan", [...SCAN, "--journal", "journal"]],
  ["scan, with files of results", [...SCAN, "--journal", at("temporary", "journal"), "--restart", "--sarif", "out"]],
  ["scan --dry-run -o", ["scan", "--list", input("list"), "--dry-run", "--offline", "-o", "out"]],
  [
    "watermark embed",
    ["watermark", "embed", input("large"), "--key", input("key"), "--rho", "0.02", "--unpublished", "-o", "out"],
  ],
];

/** A directory with a registry in it, for a command to write into. */
function workplace(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  cpSync(input("r"), join(path, "r"), { recursive: true });
  return path;
}

/** What the first change of a registry makes is an empty directory, which means nothing. */
const namesIn = (place: string) =>
  readdirSync(place, { recursive: true, encoding: "utf8" })
    .filter((name) => !/^new(?:\/fingerprints)?$/.test(name))
    .sort();

async function runIn(place: string, args: readonly string[], before = "", who: object = {}): Promise<CommandResult> {
  const env = {
    ...process.env,
    WEIGHTMARK_REGISTRY: "/nonexistent/registry",
    TMPDIR: at("temporary"),
    HOME: at("temporary"),
  };
  const shell = ["-c", `${before} exec "$@"`, "bash", NODE, EXECUTABLE, ...args];
  return promisify(execFile)("bash", shell, { cwd: place, env, ...who }).then(
    (output) => ({ exitCode: 0, ...output }),
    ({ code, stdout, stderr }) => ({ exitCode: code, stdout, stderr }),
  );
}

/** A refusal by its code, and in the line behind it what to do; nothing is left of what was begun. */
function expectRefusal({ exitCode, stderr }: CommandResult, place: string, before: readonly string[]): void {
  expect(stderr).toMatch(/\((?:WRITE_FAILED|SCAN_INTERRUPTED)\)\n\S.*\n$/);
  expect([3, 5]).toContain(exitCode);
  const kept = exitCode === 5 ? ["journal"] : [];
  expect(namesIn(place).filter((name) => !kept.includes(name))).toEqual(before);
}

describe.skipIf(process.platform === "win32")("where no file may grow beyond 4 kB", () => {
  /** What is larger than a lock and the lines of a journal. */
  const LARGE = /^(?:fingerprint|registry add|registry export|watermark embed)/;

  it.each(WRITERS.filter(([name]) => LARGE.test(name)))("%s refuses, and can be run again", async (_, args) => {
    const place = workplace(at("limited"));
    const before = namesIn(place);
    expectRefusal(await runIn(place, args, "ulimit -f 4;"), place, before);
    const again = await runIn(place, args);
    expect(again, again.stderr).toMatchObject({ exitCode: 0 });
  });
});

const disk = smallDisk(at("disk"), "24m");
afterAll(() => disk?.remove());
const where = disk === null ? " (skipped: nobody but root may make one)" : "";

describe.skipIf(disk === null)(`on a small disk${where}`, () => {
  it.each(WRITERS)("%s refuses where there is no room or little, and can be run again", async (_, args) => {
    for (const left of [0, 16_384]) {
      const place = workplace(join(disk!.path, "place"));
      const before = namesIn(place);
      disk!.fill(left);
      const result = await runIn(place, args);
      // Four pages are enough for what writes little.
      if (left === 0 || result.exitCode !== 0) {
        expectRefusal(result, place, before);
        disk!.empty();
        const resume = result.exitCode === 5 ? ["--resume"] : [];
        const again = await runIn(place, [...args, ...resume]);
        expect(again, again.stderr).toMatchObject({ exitCode: 0 });
      }
      disk!.empty();
    }
  });

  it.each(WRITERS)("%s refuses where nothing may be written at all", async (_, args) => {
    const place = workplace(join(disk!.path, "place"));
    const before = namesIn(place);
    disk!.setReadOnly(true);
    try {
      expectRefusal(await runIn(place, args), place, before);
    } finally {
      disk!.setReadOnly(false);
    }
  });
});

describe.skipIf(process.platform === "win32")("in a directory of somebody else", () => {
  it.each(WRITERS)("%s refuses", async (_, args) => {
    const place = workplace(at("foreign"));
    const before = namesIn(place);
    if (isRoot) execFileSync("chown", ["-R", `${NOBODY.uid}:${NOBODY.gid}`, input("key")]);
    execFileSync("chmod", ["-R", "a-w,a+rX", place]);
    try {
      expectRefusal(await runIn(place, args, "", NOBODY), place, before);
    } finally {
      execFileSync("chmod", ["-R", "u+w", place]);
      if (isRoot) execFileSync("chown", ["-R", "0:0", input("key")]);
    }
  });

  it.each(["--resume", "--restart"])(
    "a journal that may only be read is refused, not overwritten (scan %s)",
    async (mode) => {
      const place = workplace(at("foreign"));
      const scan = [...SCAN, "--journal", "journal"];
      expect(await runIn(place, scan)).toMatchObject({ exitCode: 0 });
      execFileSync("chmod", ["-R", "a-w,a+rX", place]);
      try {
        expectRefusal(await runIn(place, [...scan, mode], "", NOBODY), place, namesIn(place));
      } finally {
        execFileSync("chmod", ["-R", "u+w", place]);
      }
    },
  );
});

describe.skipIf(process.platform !== "linux")("where standard output takes nothing", () => {
  it.each<readonly [string, readonly string[]]>([
    ["inspect", [input("a")]],
    ["compare", [input("a"), input("b")]],
    ["identify", [input("a"), "--registry", input("r")]],
    ["registry", ["list", "--registry", input("r")]],
    ["registry", ["verify", "--registry", input("r")]],
    ["key", ["show", input("key")]],
    ["watermark", ["capacity", input("large")]],
    ["scan", [...SCAN.slice(1), "--journal", "journal", "--restart"]],
    ["scan", [...SCAN.slice(1), "--journal", "journal", "--restart", "--format", "sarif"]],
    ["scan", [input("a"), "--dry-run", "--offline"]],
    ["doctor", []],
    ["completion", ["bash"]],
    ["--version", []],
    ["scan", ["--help"]],
  ])("%s %j refuses", async (command, args) => {
    const { exitCode, stderr } = await runIn(at("temporary"), [command, ...args], "exec > /dev/full;");
    expect(stderr).toMatch(/\(ENOSPC\) \((?:WRITE_FAILED|SCAN_INTERRUPTED)\)\n/);
    expect([3, 5]).toContain(exitCode);
  });
});
